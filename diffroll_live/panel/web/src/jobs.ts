// What the panel asks the daemon for, and the notes that come back, into the document step by step.

import type { Connection } from "./connection.js";
import { type Doc, type Note, covers, notesOf, sorted } from "./doc.js";
import type { Replies } from "./messages.js";

export type Task = "transcribe" | "inpaint" | "continue" | "generate";

export interface Dials {
  seed: number;
  variations: number;
  quality: string;
  temperature: number;
  density: number;
  seconds: number; // of a continuation or a generation
  quantize: string;
  scale: string;
}

export interface Running {
  job: string;
  task: Task;
  base: Doc; // before it
  began: number; // ms
  first: number | null; // ms from its beginning to its first note
  step: number;
  steps: number;
  notes: Map<number, Note>[]; // by variation and index
  label: string;
}

export interface JobEvents {
  changed(): void; // notes or progress
  finished(doc: Doc, label: string, run: Running): void;
  ended(run: Running, text: string): void; // without notes: cancelled or failed
}

const LABELS: Record<Task, string> = {
  transcribe: "Transcribe",
  inpaint: "Fill",
  continue: "Continue",
  generate: "Generate",
};
const LONGEST_TRAJECTORY = 60; // s

export class Jobs {
  running: Running | null = null;
  private count = Number(sessionStorage.getItem("jobs") ?? 0);
  private wish: [number, number] | null = null; // threshold and minimum length, while one decoding is under way
  private decoding: string | null = null;

  constructor(private connection: Connection, private events: JobEvents) {
    connection.on("/diffroll/job/progress", (reply) => this.progress(reply));
    connection.on("/diffroll/note", (reply) => this.note(reply));
    connection.on("/diffroll/job/done", (reply) => this.done(reply));
    connection.on("/diffroll/job/cancelled", (reply) => this.end(reply.job, "Cancelled."));
    connection.on("/diffroll/error", (reply) => this.end(reply.about, reply.text));
  }

  /** Ask for a task on the document. Returns a sentence when it cannot be asked for. */
  run(task: Task, doc: Doc, dials: Dials): string | null {
    if (task !== "generate" && !doc.buffer) return "Open a recording first.";
    if (task === "inpaint" && !doc.regions.length) return "Paint a region first: drag in the roll, or press R.";
    if (this.running) this.cancel();
    const { connection } = this;
    const job = this.newName();
    const base = task === "generate" ? { ...doc, buffer: "", title: "Generated" } : doc;
    this.begin(job, task, base, `${LABELS[task]}, seed ${dials.seed}`);
    connection.send("/diffroll/job/new", job, task, task === "generate" ? "" : doc.buffer);
    if (task === "inpaint") this.surround(job, doc);
    const seconds = Math.max(doc.seconds, dials.seconds);
    const settings: [string, string | number][] = [
      ["deliver", "osc"],
      ["pictures", seconds <= LONGEST_TRAJECTORY ? "trajectory" : "posterior"],
      ...(["seed", "variations", "quality", "temperature", "density", "seconds"] as const).map(
        (key): [string, string | number] => [key, dials[key]],
      ),
      ["quantize", dials.quantize],
      ["scale", dials.scale],
    ];
    for (const [key, value] of settings) connection.send("/diffroll/job/set", job, key, value);
    connection.send("/diffroll/job/run", job);
    return null;
  }

  /** Show a finished job of another client as this page's own. */
  copy(client: string, source: string, doc: Doc): void {
    const job = this.newName();
    this.begin(job, "transcribe", doc, `${source}, from a client`);
    this.connection.send("/diffroll/job/copy", job, client, source);
  }

  cancel(): void {
    if (this.running) this.connection.send("/diffroll/job/cancel", this.running.job);
  }

  /** Decode the notes again; while one decoding is under way, only the newest wish is kept. */
  redecode(doc: Doc, threshold: number, minNote: number): void {
    if (!doc.job || (this.running && this.decoding === null)) return;
    this.wish = [threshold, minNote];
    if (this.decoding === null) this.decodeNow(doc);
  }

  /** The document as far as its notes have come. */
  preview(doc: Doc): Doc {
    return this.running?.notes.length && this.decoding === null ? this.filled(this.running, doc) : doc;
  }

  private newName(): string {
    sessionStorage.setItem("jobs", String(++this.count));
    return `panel ${this.count}`;
  }

  private begin(job: string, task: Task, base: Doc, label: string): void {
    this.running = { job, task, base, began: performance.now(), first: null, step: 0, steps: 0, notes: [], label };
    this.events.changed();
  }

  private surround(job: string, doc: Doc): void {
    for (const region of doc.regions) {
      this.connection.send("/diffroll/job/region", job, region.t0, region.t1, region.low, region.high, Number(region.hear));
    }
    for (const note of notesOf(doc)) {
      if (!doc.regions.some((region) => covers(region, note))) {
        this.connection.send("/diffroll/job/note", job, note.pitch, note.t, note.duration, note.velocity);
      }
    }
  }

  private decodeNow(doc: Doc): void {
    const [threshold, minNote] = this.wish!;
    this.wish = null;
    this.decoding = doc.job;
    const label = `Threshold ${threshold.toFixed(2)}, shortest ${Math.round(1000 * minNote)} ms`;
    const began = performance.now();
    this.running = { job: doc.job, task: "transcribe", base: doc, began, first: null, step: 0, steps: 0, notes: [], label };
    this.connection.send("/diffroll/job/redecode", doc.job, threshold, minNote);
  }

  private progress(reply: Replies["/diffroll/job/progress"]): void {
    if (this.running?.job !== reply.job) return;
    [this.running.step, this.running.steps] = [reply.step, reply.steps];
    this.events.changed();
  }

  private note(reply: Replies["/diffroll/note"]): void {
    const run = this.running;
    if (run?.job !== reply.job) return;
    run.first ??= performance.now() - run.began;
    const { pitch, t, duration, velocity } = reply;
    (run.notes[reply.variation] ??= new Map()).set(reply.index, { pitch, t, duration, velocity });
    this.events.changed();
  }

  private done(reply: Replies["/diffroll/job/done"]): void {
    const run = this.running;
    if (run?.job !== reply.job) return;
    const decoded = this.decoding !== null;
    this.running = this.decoding = null;
    const doc = { ...this.filled(run, run.base), job: run.job };
    this.events.finished(doc, decoded ? run.label : run.label.replace(/seed \d+/, `seed ${reply.seed}`), run);
    if (this.wish) this.decodeNow(doc);
  }

  private end(about: string, text: string): void {
    const run = this.running;
    if (run?.job !== about) return;
    this.running = this.decoding = this.wish = null;
    this.events.ended(run, text);
  }

  private filled(run: Running, doc: Doc): Doc {
    const variations = Array.from({ length: Math.max(1, run.notes.length) }, (_, index) =>
      sorted([...(run.notes[index]?.values() ?? [])]),
    );
    const last = Math.max(...variations.flat().map((note) => note.t + note.duration), 0);
    const seconds = Math.max(run.task === "generate" ? 0 : run.base.seconds, last);
    return { ...run.base, variations, shown: Math.min(doc.shown, variations.length - 1), seconds };
  }
}
