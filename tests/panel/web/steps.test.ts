import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY, type Note } from "../../../diffroll_live/panel/web/src/work/doc.js";
import { Steps } from "../../../diffroll_live/panel/web/src/work/steps.js";

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
  for (const text of [null, "", "{", "[]", '{"steps": [], "at": 0, "notes": []}', '{"steps": [{}], "at": 0, "notes": []}']) {
    const fresh = new Steps();
    fresh.load(text);
    assert.equal(fresh.doc.title, "", String(text));
  }
});

test("notes that steps share are kept once, with their marks, and only as many steps as there is room for", () => {
  const notes: Note[] = [{ pitch: 60, t: 1.25, duration: 0.5, velocity: 80, locked: true }, { pitch: 62, t: 2, duration: 1, velocity: 9, fresh: true }];
  const steps = new Steps();
  for (let count = 0; count < 9; count++) steps.push({ ...EMPTY, title: String(count), variations: [notes, []], shown: 1 }, String(count));
  const text = steps.save();
  assert.equal(text.split("1.25").length, 2);
  const again = new Steps();
  again.load(text);
  assert.deepEqual(again.doc.variations, [notes, []]);
  assert.equal(again.doc.shown, 1);
  again.load(steps.save(3));
  assert.deepEqual(again.labels.map((step) => step.label), ["6", "7", "8"]);
});
