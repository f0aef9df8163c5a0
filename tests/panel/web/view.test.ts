import assert from "node:assert/strict";
import { test } from "node:test";
import { View, clock, gridStep, length } from "../../../diffroll_live/panel/web/src/stage/view.js";
import { keyName } from "../../../diffroll_live/panel/web/src/work/piano.js";

function view(seconds = 20, width = 1000): View {
  const made = new View(seconds);
  made.resize(width);
  made.fit(seconds);
  return made;
}

test("seconds and pixels are each other's inverse", () => {
  const it = view();
  it.zoom(4, 300);
  for (const x of [0, 123.4, 999]) assert.ok(Math.abs(it.x(it.second(x)) - x) < 1e-9);
});

test("a zoom keeps what is under the pointer where it is", () => {
  const it = view();
  const second = it.second(700);
  it.zoom(3, 700);
  assert.ok(Math.abs(it.second(700) - second) < 1e-9);
});

test("no zoom and no scroll leads outside the document", () => {
  const it = view();
  it.zoom(0.01, 500);
  assert.equal(it.start, 0);
  assert.ok(Math.abs(it.end - 20) < 1e-9);
  it.zoom(8, 0);
  it.scrollTo(1e6);
  assert.ok(Math.abs(it.end - 20) < 1e-9);
  it.scrollTo(-5);
  assert.equal(it.start, 0);
});

test("every key has its row", () => {
  const it = view();
  const pane = { top: 22, height: 352 };
  for (let pitch = 21; pitch <= 108; pitch++) assert.equal(it.pitch(it.y(pitch, pane) + 1, pane), pitch);
  assert.equal(it.pitch(-1000, pane), 108);
  assert.equal(it.pitch(1e6, pane), 21);
});

test("a view of the whole stays one when the window changes", () => {
  const it = view();
  it.resize(400);
  assert.ok(Math.abs(it.end - 20) < 1e-9);
});

test("a view of some pitches holds them, and stays on the piano", () => {
  const it = view();
  for (const pitches of [[60], [21, 108], [108], [21], [40, 72]]) {
    it.fitPitches(pitches);
    assert.ok(it.low >= 21 && it.low <= Math.min(...pitches) && it.high <= 108 && it.high >= Math.max(...pitches));
    assert.ok(it.high - it.low >= 40);
  }
});

test("keys are zoomed around the one that is looked at, and stay on the piano", () => {
  const it = view();
  for (const [keys, around] of [[-60, 60], [-3, 21], [200, 108], [-80, 108]] as const) {
    it.zoomPitches(keys, around);
    assert.ok(it.low >= 21 && it.high <= 108 && it.high - it.low >= 11 && it.low <= around && it.high >= around);
  }
  it.scrollPitches(1e3);
  assert.equal(it.high, 108);
});

test("lines of a grid do not crowd", () => {
  for (const scale of [0.1, 1, 47, 2000]) assert.ok(gridStep(scale) * scale >= 60);
});

test("times and keys read as a musician writes them", () => {
  assert.equal(clock(0), "0:00.00");
  assert.equal(clock(65.5), "1:05.50");
  assert.equal(length(179.6), "3:00");
  assert.equal(keyName(60), "C4");
  assert.equal(keyName(21), "A0");
});
