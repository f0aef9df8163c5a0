import assert from "node:assert/strict";
import { test } from "node:test";
import { type Doc, EMPTY, type Region, Steps, covers, fitted, moved, withNotes } from "../../../diffroll_live/panel/web/src/doc.js";

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
});

test("steps are undone and redone, and a new one forgets those that were undone", () => {
  const steps = new Steps();
  for (const title of ["a", "b", "c"]) steps.push({ ...EMPTY, title }, title);
  steps.undo();
  steps.undo();
  assert.equal(steps.doc.title, "a");
  steps.redo();
  assert.equal(steps.doc.title, "b");
  steps.push({ ...EMPTY, title: "d" }, "d");
  assert.ok(!steps.canRedo);
  assert.deepEqual(steps.labels.map((step) => step.label), ["Empty", "a", "b", "d"]);
  for (let count = 0; count < 9; count++) steps.undo();
  assert.equal(steps.doc, EMPTY);
});

test("a reload brings the steps back, and nonsense brings nothing", () => {
  const steps = new Steps();
  for (let count = 0; count < 30; count++) steps.push({ ...EMPTY, title: String(count) }, String(count));
  steps.undo();
  const again = new Steps();
  again.load(steps.save());
  assert.equal(again.doc.title, "28");
  assert.ok(again.canRedo);
  for (const text of [null, "", "{", "[]", '{"steps": [], "at": 0}', '{"steps": [{}], "at": 0}']) {
    const fresh = new Steps();
    fresh.load(text);
    assert.equal(fresh.doc.title, "", String(text));
  }
});
