import assert from "node:assert/strict";
import { test } from "node:test";
import { type Change, Meter } from "../../../diffroll_live/panel/web/src/work/meter.js";

const STEADY = new Meter(Meter.steady(120, 3, 4, 0.5)); // a bar is 1.5 s
const RAMP: Change[] = [
  { t: 0, bpm: 60, numerator: 4, denominator: 4, beat: 0 },
  { t: 4, bpm: 120, numerator: 4, denominator: 4, beat: 4 },
  { t: 8, bpm: 120, numerator: 6, denominator: 8, beat: 12 },
];

function near(one: number, other: number): void {
  assert.ok(Math.abs(one - other) < 1e-6, `${one} is not ${other}`);
}

test("seconds and beats are each other's inverse, also before the first change", () => {
  const ramp = new Meter(RAMP);
  for (const t of [-2, 0, 1.3, 4, 5.7, 8, 30]) near(ramp.timeAt(ramp.beatAt(t)), t);
  near(ramp.beatAt(6), 8);
});

test("bars are counted from the bar line that was given", () => {
  const bars = STEADY.lines(0, 5, false);
  assert.deepEqual(bars.map((line) => line.bar), [1, 2, 3, 4]);
  bars.forEach((line, index) => near(line.t, 0.5 + 1.5 * index));
});

test("beats lie between the bars", () => {
  const lines = STEADY.lines(0.4, 2.1, true);
  assert.deepEqual(lines.map((line) => line.bar), [1, 0, 0, 2]);
});

test("a change of signature begins a bar, and bars go on being counted", () => {
  const lines = new Meter(RAMP).lines(0, 11, false);
  assert.deepEqual(lines.map((line) => [line.t, line.bar]), [[0, 1], [4, 2], [6, 3], [8, 4], [9.5, 5], [11, 6]]);
  assert.equal(new Meter(RAMP).lines(8, 9.4, true).length, 6); // eighths
});

test("times snap to the division that is chosen", () => {
  near(STEADY.snap(1.2, "1/4"), 1);
  near(STEADY.snap(1.2, "1/8"), 1.25);
  near(STEADY.snap(1.3, "bar"), 2);
  near(new Meter(RAMP).snap(8.3, "1/8"), 8.25);
});

test("a place is told in bars and beats", () => {
  assert.equal(STEADY.place(0.5), "1.1.00");
  assert.equal(STEADY.place(2.75), "2.2.50");
  assert.equal(new Meter(RAMP).place(8.75), "4.4.00");
});
