import assert from "node:assert/strict";
import { test } from "node:test";
import { named, readTile } from "../../../diffroll_live/panel/web/src/wire/connection.js";
import { loudness } from "../../../diffroll_live/panel/web/src/daemon/live.js";
import { FIELDS } from "../../../diffroll_live/panel/web/src/wire/messages.js";
import { palette } from "../../../diffroll_live/panel/web/src/stage/tiles.js";

test("a reply's arguments get the names of the protocol's table", () => {
  const reply = named("/diffroll/note", ["job", 3, 60, 1.5, 0.25, 90, 0]);
  assert.deepEqual(reply, { job: "job", index: 3, pitch: 60, t: 1.5, duration: 0.25, velocity: 90, variation: 0 });
  assert.ok(Object.keys(FIELDS).length > 30);
});

test("a picture's frame is a line and the levels", () => {
  const head = new TextEncoder().encode('["/diffroll/picture","b","spectrogram",0,1,2,40.0,3,1]\n');
  const frame = new Uint8Array([...head, 10, 255, 0, 10]);
  const tile = readTile(frame.buffer);
  assert.deepEqual([tile.about, tile.kind, tile.rows, tile.frames, tile.first], ["b", "spectrogram", 2, 3, 1]);
  assert.deepEqual([...tile.levels], [10, 255, 0, 10]);
});

test("a palette goes through its colours", () => {
  const bytes = new Uint8Array(palette([[0, 0, 0, 0, 255], [128, 100, 0, 0, 255], [255, 100, 200, 0, 255]]).buffer);
  assert.deepEqual([...bytes.subarray(0, 4)], [0, 0, 0, 255]);
  assert.deepEqual([...bytes.subarray(512, 516)], [100, 0, 0, 255]);
  assert.deepEqual([...bytes.subarray(1020)], [100, 200, 0, 255]);
});

test("loudness stays in the meter", () => {
  assert.equal(loudness(-120), 0);
  assert.equal(loudness(0), 1);
  assert.equal(loudness(6), 1);
  assert.ok(Math.abs(loudness(-30) - 0.5) < 1e-9);
});
