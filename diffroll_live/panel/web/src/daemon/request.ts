// The messages that ask for a task on a document: its regions, its notes, its bars and beats, its options.

import type { Connection } from "../wire/connection.js";
import type { Requests } from "../wire/messages.js";
import { JOB_OPTIONS } from "../wire/options.js";
import { type Decoding, type Doc, type Note, type Shape, covers, notesOf } from "../work/doc.js";

export type Task = "transcribe" | "inpaint" | "continue" | "generate";
export type Settings = Record<string, string | number>; // of /diffroll/job/set

export const LABELS: Record<Task, string> = {
  transcribe: "Transcribe",
  inpaint: "Fill",
  continue: "Continue",
  generate: "Generate",
};
export const UNSHAPED: Shape = { quantize: "off", scale: "off" };
export const WITH_CONTEXT: readonly Task[] = ["inpaint", "continue"]; // tasks that leave notes as they were

type Send = <A extends keyof Requests>(address: A, ...values: Requests[A]) => boolean;

export function sender(connection: Connection): Send {
  return (address, ...values) => connection.send(address, ...values);
}

/** Say why a task cannot be asked for; null when it can. */
export function refusal(task: Task, doc: Doc): string | null {
  if (task === "transcribe" && !doc.buffer) return "Open a recording first.";
  if (task !== "generate" && !doc.buffer && !notesOf(doc).length) return "Open a recording or a MIDI file first, or draw notes.";
  if (task === "inpaint" && !doc.regions.length) return "Paint a region first: drag in the roll, or press R.";
  return null;
}

/** Make a job, with all it needs but to be run. */
export function describe(send: Send, job: string, task: Task, doc: Doc, settings: Settings): void {
  send("/diffroll/job/new", job, task, task === "generate" ? "" : doc.buffer);
  if (task === "inpaint") {
    doc.regions.forEach((region, index) => {
      send("/diffroll/job/region", job, region.t0, region.t1, region.low, region.high, Number(region.hear));
      for (const [key, value] of Object.entries(region.wishes ?? {})) send("/diffroll/job/region/set", job, index, key, value);
    });
  }
  if (task !== "generate") {
    notesOf(doc).forEach((note) => sendNote(send, job, note, note.locked ?? false, isContext(task, doc, note)));
    bars(send, job, doc);
  }
  for (const [key, value] of Object.entries(settings)) send("/diffroll/job/set", job, key, value);
}

/** Make a job of the notes that are shown, and end it without a model. */
export function describeNotes(send: Send, job: string, doc: Doc): void {
  send("/diffroll/job/new", job, "generate", "");
  send("/diffroll/job/set", job, "deliver", "osc");
  for (const note of notesOf(doc)) sendNote(send, job, note, false, true);
  bars(send, job, doc);
  send("/diffroll/job/finish", job);
}

function isContext(task: Task, doc: Doc, note: Note): boolean {
  if (task === "transcribe") return false;
  return task === "continue" || !doc.regions.some((region) => covers(region, note));
}

function sendNote(send: Send, job: string, note: Note, lock: boolean, known: boolean): void {
  const row = [job, note.pitch, note.t, note.duration, note.velocity] as const;
  if (lock) send("/diffroll/job/note", ...row, 1);
  else if (known) send("/diffroll/job/note", ...row);
}

/** Tell a job of the bars and beats of a document. */
export function bars(send: Send, job: string, doc: Doc): void {
  for (const { t, bpm, numerator, denominator, beat } of doc.meter) {
    send("/diffroll/job/tempo", job, t, bpm, numerator, denominator, beat);
  }
}

/** The options that decode notes in this way. */
export function decoding(decode: Decoding | null): Settings {
  if (!decode) return {};
  return { ...(decode.threshold === null ? {} : { threshold: decode.threshold }), min_note: decode.minNote };
}

/** What a request said, by option, where it is told as `quality best, temperature 0.8`. */
export function optionsOf(words: string): Map<string, string> {
  return new Map(words.split(", ").map((pair): [string, string] => [pair.split(" ")[0]!, pair.split(" ").slice(1).join(" ")]));
}

/** How a request wanted its notes decoded; null where it left that to the model. */
export function decodingOf(asked: ReadonlyMap<string, string>): Decoding | null {
  const [threshold, minNote] = [asked.get("threshold"), asked.get("min_note")];
  if (threshold === undefined && minNote === undefined) return null;
  return { threshold: threshold === undefined ? null : Number(threshold), minNote: Number(minNote ?? JOB_OPTIONS.min_note.start) };
}

/** How a request wanted its notes moved; null where it left them as they came. */
export function shapeOf(asked: ReadonlyMap<string, string>): Shape | null {
  const [quantize, scale] = [asked.get("quantize") ?? "off", asked.get("scale") ?? "off"];
  return quantize === "off" && scale === "off" ? null : { quantize, scale };
}

/** The name of a step that moves notes in another way. */
export function shapeInWords(shape: Shape | null): string {
  const parts = Object.values(shape ?? UNSHAPED).filter((part) => part !== "off");
  return parts.length ? `Moved to ${parts.join(", ")}` : "Moved back";
}

/** What the daemon did, as the panel calls it. */
export function taskInWords(task: string): string {
  return (LABELS as Record<string, string>)[task] ?? task;
}

/** The name of a step that decodes notes in another way. */
export function decodingInWords(decode: Decoding | null): string {
  const threshold = decode?.threshold?.toFixed(2) ?? "of the model";
  return `Threshold ${threshold}, shortest ${Math.round(1000 * (decode?.minNote ?? JOB_OPTIONS.min_note.start))} ms`;
}
