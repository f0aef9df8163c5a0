import assert from "node:assert/strict";
import { test } from "node:test";
import { type Doc, EMPTY, type Region, covers, fitted, marked, moved, withLocked, withNotes } from "../../../diffroll_live/panel/web/src/work/doc.js";

const REGION: Region = { t0: 1, t1: 2, low: 50, high: 60, hear: true };
const NOTE = { pitch: 60, t: 1, duration: 1, velocity: 80 };

test("a region has its corners in order, inside the document and the piano", () => {
  assert.deepEqual(fitted({ t0: 9, t1: -1, low: 120, high: 0, hear: false }, 5), { t0: 0, t1: 5, low: 21, high: 108, hear: false });
  assert.equal(fitted({ ...REGION, t1: 1.001 }, 5), null);
  assert.equal(fitted({ ...REGION, t0: 6, t1: 7 }, 5), null);
});

test("a region that is moved keeps its size, and stays inside", () => {
  for (const [seconds, pitches] of [[1e3, 1e3], [-1e3, -1e3], [0.5, -2]] as const) {
    const to = moved(REGION, seconds, pitches, 5);
    assert.equal(to.t1 - to.t0, 1);
    assert.equal(to.high - to.low, 10);
    assert.ok(to.t0 >= 0 && to.t1 <= 5 && to.low >= 21 && to.high <= 108);
  }
});

test("a region covers what begins in it, its end excluded", () => {
  assert.ok(covers(REGION, NOTE));
  assert.ok(!covers(REGION, { ...NOTE, t: 2 }));
  assert.ok(!covers(REGION, { ...NOTE, pitch: 61 }));
});

test("notes are kept in order, and other variations as they are", () => {
  const doc: Doc = { ...EMPTY, variations: [[], [NOTE]], shown: 0 };
  const changed = withNotes(doc, [{ ...NOTE, t: 3 }, NOTE]);
  assert.deepEqual(changed.variations[0]!.map((note) => note.t), [1, 3]);
  assert.equal(changed.variations[1], doc.variations[1]);
  assert.ok(changed.edited);
});

test("locked notes stay as they were, and nothing is written across them", () => {
  const locked = { ...NOTE, velocity: 99, locked: true as const };
  const sent = [{ ...NOTE }, { ...NOTE, t: 1.5 }, { ...NOTE, t: 2 }, { ...NOTE, pitch: 61 }];
  assert.deepEqual(withLocked(sent, [locked]).map((note) => [note.pitch, note.t, note.velocity]), [[60, 1, 99], [61, 1, 80], [60, 2, 80]]);
});

test("what a job added is fresh, what was there is not", () => {
  const notes = marked([{ ...NOTE, fresh: true }, { ...NOTE, t: 2 }], [NOTE]);
  assert.deepEqual(notes.map((note) => note.fresh ?? false), [false, true]);
});
