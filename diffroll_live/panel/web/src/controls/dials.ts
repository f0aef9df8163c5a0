// The dials of requests and jams, made from the daemon's own tables of options.

import type { App } from "../app.js";
import { type Settings, UNSHAPED } from "../daemon/request.js";
import { JAM_OPTIONS, JOB_OPTIONS, type Option, SCALES } from "../wire/options.js";
import type { Shape } from "../work/doc.js";
import { element, input, make, numberOf, reads, select } from "./elements.js";

export interface Dial {
  key: string;
  label: string;
  look: "field" | "slider" | "choice";
  step?: number;
  most?: number; // where the table allows more than anybody turns to
  choices?: readonly string[]; // of a text; without them it is written
  none?: string; // what is shown where nothing is chosen
}

const ROOTS = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const LENGTHS = ["1/32", "1/16", "1/8", "1/4", "1/2", "1/1"];
const GRIDS = ["off", "1/4", "1/8", "1/8t", "1/16", "1/16t", "1/32"];
export const SCALE_NAMES = ROOTS.flatMap((root) => SCALES.map((scale) => `${root} ${scale}`));

/** Of new notes, wherever these are written. */
export const NOTE_DIALS: readonly Dial[] = [
  { key: "polyphony", label: "At once", look: "field", none: "as around" },
  { key: "shortest", label: "Shortest", look: "choice", choices: LENGTHS },
  { key: "longest", label: "Longest", look: "choice", choices: LENGTHS },
];
const RANGE_DIAL: Dial = { key: "range", label: "Range", look: "field", none: "C3-C5" };
const REQUEST_DIALS: readonly Dial[] = [
  { key: "seed", label: "Seed", look: "field" },
  { key: "variations", label: "Variations", look: "field" },
  { key: "quality", label: "Quality", look: "choice" },
  { key: "seconds", label: "Seconds", look: "field", step: 0.5 },
  { key: "temperature", label: "Temperature", look: "slider", step: 0.05, most: 2 },
  { key: "density", label: "Density", look: "slider", step: 0.05 },
];
const MORE_DIALS: readonly Dial[] = [
  ...NOTE_DIALS,
  RANGE_DIAL,
  { key: "sampler", label: "Sampler", look: "choice", none: "the model’s" },
  { key: "steps", label: "Steps", look: "field", none: "the model’s" },
  { key: "guidance", label: "Guidance", look: "field", step: 0.5, none: "the model’s" },
];
const JAM_DIALS: readonly Dial[] = [
  { key: "cue", label: "Cue", look: "choice", choices: ["none", "pedal", "note 21", "cc 80"] },
  { key: "rest_bars", label: "Rest, bars", look: "field" },
  { key: "tempo", label: "Tempo", look: "field" },
  { key: "beats", label: "Beats", look: "field" },
  { key: "temperature", label: "Temperature", look: "slider", step: 0.05, most: 2 },
  { key: "density", label: "Density", look: "slider", step: 0.05 },
];
const MORE_JAM_DIALS: readonly Dial[] = [...NOTE_DIALS, RANGE_DIAL, { key: "scale", label: "Scale", look: "choice", choices: SCALE_NAMES }];

type Table = Record<string, Option>;

export function buildDials(onShape: () => void): void {
  buildDialsOf("dials", "dial", REQUEST_DIALS, JOB_OPTIONS);
  buildDialsOf("moreDials", "dial", MORE_DIALS, JOB_OPTIONS);
  buildDialsOf("jamDials", "jam", JAM_DIALS, JAM_OPTIONS);
  buildDialsOf("moreJamDials", "jam", MORE_JAM_DIALS, JAM_OPTIONS);
  const grid = chooser("dial-grid", GRIDS);
  const strength = slider("dial-strength", 0, 1, 0.05, 1);
  const swing = slider("dial-swing", 0.5, 0.75, 0.01, 0.5);
  element("shape").append(
    labelled("Quantize", grid, "Onsets move towards this grid."),
    labelled("Scale", chooser("dial-scale", ["off", ...SCALE_NAMES]), "Pitches move into this scale."),
    labelled("Strength", strength, "How far onsets move."),
    labelled("Swing", swing, "Where the middle of two steps lies; 0.5 is straight."),
  );
  for (const id of ["dial-strength", "dial-swing"]) reads(id, (value) => value.toFixed(2));
  for (const id of ["dial-grid", "dial-scale", "dial-strength", "dial-swing"]) element(id).addEventListener("change", onShape);
}

/** The dials as the notes that are shown were moved, after undo too; or as the next ones are to be. */
export function showShape(app: App): void {
  if (app.jobs.running || input("dial-strength").matches(":active") || input("dial-swing").matches(":active")) return;
  const { quantize, scale } = app.doc.shape ?? UNSHAPED;
  const [grid = "off", strength = "1", swing = "0.5"] = quantize.split(" ");
  turn("dial-grid", grid);
  turn("dial-scale", scale);
  if (grid !== "off") turn("dial-strength", strength);
  if (grid !== "off") turn("dial-swing", swing);
  for (const id of ["dial-strength", "dial-swing"]) element(id).closest("label")!.hidden = grid === "off";
}

/** Turn a dial, to what it does not offer too: another program may have asked for that. */
function turn(id: string, value: string): void {
  const dial = element(id);
  const same = input(id).type === "range" ? numberOf(id) === Number(value) : input(id).value === value;
  if (same) return;
  if (dial instanceof HTMLSelectElement && ![...dial.options].some((option) => option.value === value)) {
    dial.append(make("option", value, { value }));
  }
  input(id).value = value;
  dial.dispatchEvent(new Event("input"));
}

/** What the dials say for the next request; what is left to the model is left out. */
export function readDials(): Settings {
  return readDialsOf("dial", [...REQUEST_DIALS, ...MORE_DIALS]);
}

/** How notes are shaped as they are sent. */
export function readShape(): Shape {
  const grid = select("dial-grid").value;
  const parts = [grid, numberOf("dial-strength").toFixed(2), numberOf("dial-swing").toFixed(2)];
  return { quantize: grid === "off" ? "off" : parts.join(" "), scale: select("dial-scale").value };
}

export function readJamDials(): Settings {
  const off = MORE_JAM_DIALS.filter(({ key }) => (JAM_OPTIONS as Table)[key]?.kind === "text").map(({ key }) => [key, "off"]);
  return { ...Object.fromEntries(off), ...readDialsOf("jam", [...JAM_DIALS, ...MORE_JAM_DIALS]) };
}

/** Turn the dials to what was asked for before, by option; the others to their usual values. */
export function turnDials(asked: ReadonlyMap<string, string>): void {
  for (const { key } of [...REQUEST_DIALS, ...MORE_DIALS]) {
    turn(`dial-${key}`, asked.get(key) ?? String((JOB_OPTIONS as Table)[key]?.start ?? ""));
  }
}

export function readDialsOf(prefix: string, dials: readonly Dial[]): Settings {
  const settings: Settings = {};
  for (const { key } of dials) {
    const { value, min } = input(`${prefix}-${key}`);
    if (value !== "") settings[key] = min ? numberOf(`${prefix}-${key}`) : value;
  }
  return settings;
}

export function buildDialsOf(into: string, prefix: string, dials: readonly Dial[], table: Table): void {
  for (const dial of dials) {
    const option = table[dial.key];
    if (!option) continue;
    const id = `${prefix}-${dial.key}`;
    element(into).append(labelled(dial.label, control(id, dial, option), option.sentence));
    if (dial.look === "slider") reads(id, (value) => value.toFixed(2));
  }
}

function control(id: string, dial: Dial, option: Option): HTMLElement {
  const placeholder = dial.none ?? "as around";
  if (option.kind === "text" && !dial.choices) return make("input", "", { id, type: "text", placeholder, spellcheck: false });
  if (option.kind !== "number") {
    const names = option.kind === "choice" ? option.names : dial.choices!;
    return chooser(id, option.start ? names : ["", ...names], option.start, placeholder);
  }
  const { low, start } = option;
  const high = Math.min(option.high, dial.most ?? Infinity);
  if (dial.look === "slider") return slider(id, low, high, dial.step ?? 1, start ?? low);
  const step = String(dial.step ?? (option.whole ? 1 : 0.1));
  return make("input", "", { id, type: "number", min: String(low), max: String(high), step, value: String(start ?? ""), placeholder });
}

function slider(id: string, low: number, high: number, step: number, start: number): HTMLInputElement {
  return Object.assign(make("input", "", { id, type: "range", min: String(low), max: String(high), step: String(step) }), { value: String(start) });
}

function chooser(id: string, names: readonly string[], start = names[0] ?? "", none = ""): HTMLSelectElement {
  const made = make("select", "", { id });
  made.append(...names.map((name) => make("option", name || none, { value: name })));
  made.value = start;
  return made;
}

function labelled(text: string, control: HTMLElement, sentence: string): HTMLLabelElement {
  const label = make("label", `${text} `, { title: sentence });
  if (control instanceof HTMLInputElement && control.type === "range") {
    const output = make("output");
    output.htmlFor.add(control.id);
    label.classList.add("wide");
    label.append(output);
  }
  label.append(control);
  return label;
}
