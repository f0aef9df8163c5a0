// Every step that can be undone, and how they are kept for a reload. Pure values.

import { type Doc, EMPTY, type Note } from "./doc.js";

export interface Step {
  readonly doc: Doc;
  readonly label: string; // what was done
}

const MAX_STEPS = 200;
const KEPT_STEPS = 40; // over a reload

type Row = [pitch: number, t: number, duration: number, velocity: number, marks: number];
type PackedDoc = Omit<Doc, "variations"> & { variations: number[] };

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

  /** Write the last steps down; notes that several of them share are written once. */
  save(most = KEPT_STEPS): string {
    const first = Math.max(0, Math.min(this.steps.length - most, this.at));
    const kept = this.steps.slice(first, first + most);
    const lists = [...new Set(kept.flatMap((step) => step.doc.variations))];
    const steps = kept.map(({ doc, label }) => ({
      label,
      doc: { ...doc, variations: doc.variations.map((notes) => lists.indexOf(notes)) },
    }));
    return JSON.stringify({ steps, at: this.at - first, notes: lists.map((notes) => notes.map(pack)) });
  }

  /** Go on with what `save` wrote; what cannot be read is ignored. */
  load(text: string | null): void {
    try {
      const { steps, at, notes } = JSON.parse(text ?? "null") as {
        steps: { doc: PackedDoc; label: string }[];
        at: number;
        notes: Row[][];
      };
      const lists = notes.map((rows) => rows.map(unpack));
      const unpacked = steps.map(({ doc, label }) => ({
        label,
        doc: { ...EMPTY, ...doc, variations: doc.variations.map((index) => lists[index]!) },
      }));
      if (!unpacked.length) return;
      this.steps = unpacked;
      this.goTo(at);
    } catch {
      return;
    }
  }
}

function pack(note: Note): Row {
  return [note.pitch, note.t, note.duration, note.velocity, (note.locked ? 1 : 0) + (note.fresh ? 2 : 0)];
}

function unpack([pitch, t, duration, velocity, marks]: Row): Note {
  const note: Note = { pitch, t, duration, velocity };
  if (marks & 1) note.locked = true;
  if (marks & 2) note.fresh = true;
  return note;
}
