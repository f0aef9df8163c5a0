// What is chosen in the roll, as fields: a region, or notes; and the bars and beats of the document.

import type { App } from "../app.js";
import { fitted } from "../work/doc.js";
import { keyName } from "../work/piano.js";
import { button, click, element, input, numberOf, reads, say, set } from "./elements.js";
import { bindWishes, showWishes } from "./wishes.js";

const FIELDS = ["t0", "t1", "low", "high"] as const;
const METRE = /^\s*(\d{1,2})\s*\/\s*(\d{1,2})\s*$/;
const TEMPI = [4, 1000] as const;

export function bindSelection(app: App): void {
  const { editing } = app;
  bindWishes(app);
  click("addregion", () => editing.addRegionHere());
  click("remove", () => editing.remove());
  click("lock", () => editing.toggleLock());
  click("delete", () => editing.remove());
  reads("velocity", String);
  input("velocity").addEventListener("change", () => editing.setVelocity(numberOf("velocity")));
  for (const id of [...FIELDS, "hear"]) input(id).addEventListener("change", () => changeRegion(app));
  for (const id of ["bpm", "metre"]) input(id).addEventListener("change", () => changeMeter(app, app.meter?.timeAt(0) ?? 0));
  click("barhere", () => changeMeter(app, app.player.position));
  click("forgetbars", () => editing.setMeter(null, 4, 4, 0));
}

function changeRegion(app: App): void {
  const before = app.doc.regions[app.region];
  if (!before) return;
  const [t0, t1, low, high] = FIELDS.map(numberOf) as [number, number, number, number];
  const region = fitted({ ...before, t0, t1, low, high, hear: input("hear").checked }, app.doc.seconds);
  if (t1 <= t0 || !region) {
    const end = app.doc.seconds.toFixed(2);
    app.say(`A region needs a length: its end must come after its beginning, between 0 and ${end} s.`);
  } else app.editing.changeRegion(app.region, region);
}

function changeMeter(app: App, t: number): void {
  const bpm = Number(input("bpm").value);
  const metre = METRE.exec(input("metre").value);
  const [numerator, denominator] = [Number(metre?.[1]), Number(metre?.[2])];
  if (!input("bpm").value) app.say("Give the tempo first, in quarter notes a minute.");
  else if (!(bpm >= TEMPI[0] && bpm <= TEMPI[1])) app.say(`A tempo is ${TEMPI[0]} to ${TEMPI[1]} quarter notes a minute.`);
  else if (!metre || numerator < 1 || numerator > 64 || ![1, 2, 4, 8, 16, 32, 64].includes(denominator)) {
    app.say("A metre is written as 3/4 or 6/8: up to 64 whole notes, halves, quarters and so on down to 64ths.");
  } else app.editing.setMeter(bpm, numerator, denominator, t);
}

export function showSelection(app: App): void {
  const region = app.doc.regions[app.region];
  const notes = [...app.selected];
  element("region").hidden = !region;
  element("chosenNotes").hidden = !notes.length;
  element("noselection").hidden = Boolean(region) || notes.length > 0;
  element("addregion").hidden = Boolean(region) || notes.length > 0;
  const [first] = notes;
  if (first) {
    const name = notes.length === 1 ? `${keyName(first.pitch)}, ${Math.round(1000 * first.duration)} ms` : `${notes.length} notes`;
    say("selected", name);
    const velocity = String(Math.round(notes.reduce((sum, note) => sum + note.velocity, 0) / notes.length));
    if (input("velocity").value !== velocity && document.activeElement !== input("velocity")) {
      input("velocity").value = velocity;
      input("velocity").dispatchEvent(new Event("input"));
    }
    button("lock").textContent = notes.every((note) => note.locked) ? "Unlock" : "Lock";
  } else say("selected", region ? `Region ${app.region + 1} of ${app.doc.regions.length}` : "Region");
  if (region) {
    const values = [region.t0.toFixed(2), region.t1.toFixed(2), String(region.low), String(region.high)];
    FIELDS.forEach((id, index) => set(id, values[index]!));
    for (const id of ["low", "high"] as const) input(id).title = keyName(region[id]);
    input("hear").checked = region.hear;
    showWishes(region.wishes ?? {});
  }
  const change = app.meter?.at(app.player.position);
  if (change) {
    set("bpm", String(Math.round(10 * change.bpm) / 10));
    set("metre", `${change.numerator}/${change.denominator}`);
  }
  button("forgetbars").disabled = !app.doc.meter.length;
}
