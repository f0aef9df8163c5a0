// What a person works on: notes in variations, regions, bars and beats. Pure values.

import type { Change } from "./meter.js";
import { HIGH_PITCH, LOW_PITCH } from "./piano.js";

export interface Note {
  pitch: number;
  t: number; // s
  duration: number; // s
  velocity: number;
  locked?: true; // no job changes it
  fresh?: true; // the last job wrote it among others that were there
}

export interface Region {
  t0: number;
  t1: number;
  low: number;
  high: number;
  hear: boolean;
  wishes?: Readonly<Record<string, string | number>>; // for its own notes, by options of regions
}

/** A job of another client that the notes were made for. */
export interface Asker {
  client: string;
  name: string;
  job: string;
}

/** How notes were made of what the model holds likely. */
export interface Decoding {
  threshold: number | null; // null where the model has its own
  minNote: number; // s
}

/** How notes are moved as they are sent, in the words of the options. */
export interface Shape {
  quantize: string; // a grid, a strength and a swing, or off
  scale: string;
}

export interface Doc {
  readonly title: string;
  readonly buffer: string; // empty where there is no recording
  readonly seconds: number;
  readonly variations: readonly (readonly Note[])[];
  readonly shown: number;
  readonly regions: readonly Region[];
  readonly job: string; // that wrote the notes; empty where none did
  readonly edited: boolean; // whether the notes are other ones than the job's
  readonly decode: Decoding | null; // null where nobody has chosen it
  readonly shape: Shape | null; // null where nobody has chosen it
  readonly meter: readonly Change[]; // empty where nobody knows the bars
  readonly rebarred: boolean; // whether the bars are other ones than the job's
  readonly asker: Asker | null;
}

export const EMPTY: Doc = {
  title: "",
  buffer: "",
  seconds: 0,
  variations: [[]],
  shown: 0,
  regions: [],
  job: "",
  edited: false,
  decode: null,
  shape: null,
  meter: [],
  rebarred: false,
  asker: null,
};
/** How many notes, in words. */
export function counted(count: number): string {
  return `${count} ${count === 1 ? "note" : "notes"}`;
}

export const SHORTEST = 0.02; // s, of a region and of a note
const SAME = 1e-3; // s

export function notesOf(doc: Doc): readonly Note[] {
  return doc.variations[doc.shown] ?? [];
}

export function sorted(notes: readonly Note[]): Note[] {
  return [...notes].sort((a, b) => a.t - b.t || a.pitch - b.pitch);
}

/** The document with other notes in the variation that is shown, by hand. */
export function withNotes(doc: Doc, notes: readonly Note[]): Doc {
  const variations = doc.variations.map((old, index) => (index === doc.shown ? sorted(notes) : old));
  return { ...doc, variations, edited: true };
}

/** A region within the document and the piano, its corners in order; null when nothing is left of it. */
export function fitted(region: Region, seconds: number): Region | null {
  const t0 = Math.max(0, Math.min(region.t0, region.t1));
  const t1 = Math.min(seconds, Math.max(region.t0, region.t1));
  const low = Math.max(LOW_PITCH, Math.min(region.low, region.high));
  const high = Math.min(HIGH_PITCH, Math.max(region.low, region.high));
  return t1 - t0 < SHORTEST || high < low ? null : { ...region, t0, t1, low, high };
}

/** Move a region without changing its size, as far as the document and the piano go. */
export function moved(region: Region, seconds: number, pitches: number, length: number): Region {
  const dt = Math.max(-region.t0, Math.min(seconds, length - region.t1));
  const dp = Math.max(LOW_PITCH - region.low, Math.min(pitches, HIGH_PITCH - region.high));
  return { ...region, t0: region.t0 + dt, t1: region.t1 + dt, low: region.low + dp, high: region.high + dp };
}

export function covers(region: Region, note: Note): boolean {
  return note.t >= region.t0 && note.t < region.t1 && note.pitch >= region.low && note.pitch <= region.high;
}

function same(a: Note, b: Note): boolean {
  return a.pitch === b.pitch && Math.abs(a.t - b.t) < SAME;
}

/** Notes that a job sent, with those that are locked as they were, and none across these. */
export function withLocked(sent: readonly Note[], locked: readonly Note[]): Note[] {
  const crosses = (note: Note) =>
    locked.some((mine) => mine.pitch === note.pitch && note.t < mine.t + mine.duration && mine.t < note.t + note.duration);
  return sorted([...sent.filter((note) => !crosses(note)), ...locked]);
}

/** The notes, marked as fresh where they are none of those before. */
export function marked(notes: readonly Note[], before: readonly Note[]): Note[] {
  const at = new Map<number, Note[]>();
  for (const note of before) at.set(note.pitch, [...(at.get(note.pitch) ?? []), note]);
  return notes.map((note) => {
    const { fresh: _, ...plain } = note;
    const isOld = note.locked || at.get(note.pitch)?.some((old) => same(old, note));
    return isOld ? plain : { ...plain, fresh: true as const };
  });
}
