// The messages that ask for a task on a document: its regions, its notes, its bars and beats, its options.

import type { Connection } from "../wire/connection.js";
import type { Requests } from "../wire/messages.js";
import { type Doc, type Note, covers, notesOf } from "../work/doc.js";

export type Task = "transcribe" | "inpaint" | "continue" | "generate";
export type Settings = Record<string, string | number>; // of /diffroll/job/set

export const LABELS: Record<Task, string> = {
  transcribe: "Transcribe",
  inpaint: "Fill",
  continue: "Continue",
  generate: "Generate",
};
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

function bars(send: Send, job: string, doc: Doc): void {
  for (const { t, bpm, numerator, denominator, beat } of doc.meter) {
    send("/diffroll/job/tempo", job, t, bpm, numerator, denominator, beat);
  }
}
