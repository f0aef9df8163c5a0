import assert from "node:assert/strict";
import { test } from "node:test";
import { decoding, decodingOf, describe, describeNotes, optionsOf, refusal, shapeInWords, shapeOf } from "../../../diffroll_live/panel/web/src/daemon/request.js";
import { type Doc, EMPTY } from "../../../diffroll_live/panel/web/src/work/doc.js";

const REGION = { t0: 1, t1: 2, low: 50, high: 60, hear: false };
const INSIDE = { pitch: 55, t: 1.5, duration: 0.25, velocity: 80 };
const LOCKED = { ...INSIDE, pitch: 57, locked: true as const };
const OUTSIDE = { ...INSIDE, t: 0 };
const DOC: Doc = { ...EMPTY, seconds: 4, variations: [[INSIDE, LOCKED, OUTSIDE]], regions: [REGION, { ...REGION, t0: 3, t1: 3.5, wishes: { polyphony: 1, scale: "D minor" } }] };

function asked(ask: (send: Parameters<typeof describe>[0]) => void): unknown[][] {
  const sent: unknown[][] = [];
  ask((address, ...values) => sent.push([address, ...values]) > 0);
  return sent;
}

test("a fill of notes alone has its regions with their wishes, what is locked, and what lies outside", () => {
  const sent = asked((send) => describe(send, "job", "inpaint", DOC, { seed: 4 }));
  assert.deepEqual(sent, [
    ["/diffroll/job/new", "job", "inpaint", ""],
    ["/diffroll/job/region", "job", 1, 2, 50, 60, 0],
    ["/diffroll/job/region", "job", 3, 3.5, 50, 60, 0],
    ["/diffroll/job/region/set", "job", 1, "polyphony", 1],
    ["/diffroll/job/region/set", "job", 1, "scale", "D minor"],
    ["/diffroll/job/note", "job", 57, 1.5, 0.25, 80, 1],
    ["/diffroll/job/note", "job", 55, 0, 0.25, 80],
    ["/diffroll/job/set", "job", "seed", 4],
  ]);
});

test("the bars and beats go along, and notes end a job without a model", () => {
  const bars = { t: 0, bpm: 90, numerator: 3, denominator: 4, beat: 0 };
  const sent = asked((send) => describeNotes(send, "mine", { ...DOC, meter: [bars] }));
  assert.deepEqual(sent.filter(([address]) => address === "/diffroll/job/note").length, 3);
  assert.deepEqual(sent.slice(-2), [["/diffroll/job/tempo", "mine", 0, 90, 3, 4, 0], ["/diffroll/job/finish", "mine"]]);
});

test("what cannot be asked for is said", () => {
  assert.match(refusal("transcribe", DOC)!, /recording/);
  assert.match(refusal("continue", EMPTY)!, /draw notes/);
  assert.match(refusal("inpaint", { ...DOC, regions: [] })!, /Paint a region/);
  assert.equal(refusal("inpaint", DOC), null);
  assert.equal(refusal("generate", EMPTY), null);
});

test("a request that is told in words says how it wanted its notes decoded, or that it left this to the model", () => {
  assert.equal(optionsOf("scale D minor, temperature 0.8").get("scale"), "D minor");
  assert.equal(decodingOf(optionsOf("quality best")), null);
  assert.deepEqual(decodingOf(optionsOf("threshold 0.8, steps 4")), { threshold: 0.8, minNote: 0.03 });
  const short = decodingOf(optionsOf("min_note 0.1"));
  assert.deepEqual(short, { threshold: null, minNote: 0.1 });
  assert.deepEqual(decoding(short), { min_note: 0.1 });
});

test("and how it wanted them moved", () => {
  assert.equal(shapeOf(optionsOf("quality best")), null);
  const shape = shapeOf(optionsOf("scale D minor, quantize 1/16 0.8 0.55"));
  assert.deepEqual(shape, { quantize: "1/16 0.8 0.55", scale: "D minor" });
  assert.equal(shapeInWords(shape), "Moved to 1/16 0.8 0.55, D minor");
  assert.equal(shapeInWords(null), "Moved back");
});
