import assert from "node:assert/strict";
import { test } from "node:test";
import { median } from "../../../diffroll_live/panel/web/src/daemon/live.js";
import { Picture, joined } from "../../../diffroll_live/panel/web/src/stage/tiles.js";
import { Trajectory } from "../../../diffroll_live/panel/web/src/stage/trajectory.js";
import type { Tile } from "../../../diffroll_live/panel/web/src/wire/connection.js";

function tile(step: number, first: number, levels: number[], frames = 4, rows = 1): Tile {
  return { about: "job", kind: "trajectory", step, steps: 3, rows, rate: 10, frames, first, levels: Uint8Array.from(levels) };
}

test("a trajectory is looked through in both directions", () => {
  const it = new Trajectory();
  it.put(tile(0, 0, [1, 2]));
  it.put(tile(0, 2, [3, 4])); // the same step, in two messages
  it.put(tile(1, 1, [9]));
  assert.equal(it.steps, 2);
  assert.deepEqual([...it.at(-1)!.levels], [1, 9, 3, 4]);
  assert.deepEqual([...it.at(0)!.levels], [1, 2, 3, 4]);
  assert.deepEqual([...it.at(1)!.levels], [1, 9, 3, 4]);
});

test("a trajectory that is sent again is not doubled", () => {
  const it = new Trajectory();
  for (const step of [0, 1, 0]) it.put(tile(step, 0, [step]));
  assert.equal(it.tiles.length, 2);
});

test("a picture grows with a live input, and keeps what it has", () => {
  let picture: Picture | null = null;
  for (let frame = 0; frame < 9; frame++) picture = joined(picture, tile(0, frame, [frame + 1], frame + 1));
  assert.equal(picture!.frames, 9);
  assert.deepEqual([...picture!.levels.subarray(0, 9)], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a tile of another picture begins a new one", () => {
  const first = joined(null, tile(0, 0, [1, 2, 3, 4]));
  assert.notEqual(joined(first, tile(0, 0, [1, 2], 1, 2)), first);
});

test("a median is a middle, and nothing has none", () => {
  assert.equal(median([]), null);
  assert.equal(median([5, 1, 9]), 5);
});
