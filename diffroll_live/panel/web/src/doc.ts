// What a person works on: notes in variations, regions, and every step that can be undone. Pure values.

import { HIGH_PITCH, LOW_PITCH } from "./view.js";

export interface Note {
  pitch: number;
  t: number; // s
  duration: number; // s
  velocity: number;
}

export interface Region {
  t0: number;
  t1: number;
  low: number;
  high: number;
  hear: boolean;
}

export interface Doc {
  readonly title: string;
  readonly buffer: string; // empty where there is no recording
  readonly seconds: number;
  readonly variations: readonly (readonly Note[])[];
  readonly shown: number;
  readonly regions: readonly Region[];
  readonly job: string; // that wrote the notes; empty where none did
}

export interface Step {
  readonly doc: Doc;
  readonly label: string; // what was done
}

export const EMPTY: Doc = { title: "", buffer: "", seconds: 0, variations: [[]], shown: 0, regions: [], job: "" };
export const SHORTEST = 0.02; // s, of a region and of a note
const MAX_STEPS = 200;

export function notesOf(doc: Doc): readonly Note[] {
  return doc.variations[doc.shown] ?? [];
}

export function sorted(notes: readonly Note[]): Note[] {
  return [...notes].sort((a, b) => a.t - b.t || a.pitch - b.pitch);
}

/** The document with other notes in the variation that is shown. */
export function withNotes(doc: Doc, notes: readonly Note[]): Doc {
  const variations = doc.variations.map((old, index) => (index === doc.shown ? sorted(notes) : old));
  return { ...doc, variations };
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

/** The steps so far, and the one that is shown. */
export class Steps {
  private steps: Step[] = [{ doc: EMPTY, label: "Empty" }];
  private at = 0;

  get doc(): Doc {
    return this.steps[this.at]!.doc;
  }

  get label(): string {
    return this.steps[this.at]!.label;
  }

  get labels(): { label: string; current: boolean }[] {
    return this.steps.map((step, index) => ({ label: step.label, current: index === this.at }));
  }

  get canUndo(): boolean {
    return this.at > 0;
  }

  get canRedo(): boolean {
    return this.at < this.steps.length - 1;
  }

  /** Take a step; those that were undone are forgotten. */
  push(doc: Doc, label: string): void {
    this.steps = [...this.steps.slice(0, this.at + 1), { doc, label }].slice(-MAX_STEPS);
    this.at = this.steps.length - 1;
  }

  /** Change the current step, for what is not worth one of its own: which variation is shown. */
  amend(doc: Doc, label = this.label): void {
    this.steps[this.at] = { doc, label };
  }

  goTo(index: number): void {
    this.at = Math.max(0, Math.min(this.steps.length - 1, index));
  }

  undo(): void {
    this.goTo(this.at - 1);
  }

  redo(): void {
    this.goTo(this.at + 1);
  }

  save(): string {
    return JSON.stringify({ steps: this.steps.slice(-20), at: Math.max(0, this.at - Math.max(0, this.steps.length - 20)) });
  }

  /** Go on with what `save` wrote; what cannot be read is ignored. */
  load(text: string | null): void {
    try {
      const { steps, at } = JSON.parse(text ?? "null") as { steps: Step[]; at: number };
      if (steps.length && steps.every((step) => Array.isArray(step.doc.variations))) {
        this.steps = steps;
        this.goTo(at);
      }
    } catch {
      return;
    }
  }
}
