// What the panel asks the daemon for, and the notes that come back, into the document step by step.

import { Asking, type Refusal } from "../wire/asking.js";
import type { Connection } from "../wire/connection.js";
import type { Replies } from "../wire/messages.js";
import { type Decoding, type Doc, type Note, type Shape, marked, notesOf, sorted, withLocked } from "../work/doc.js";
import { LABELS, type Settings, type Task, UNSHAPED, WITH_CONTEXT, bars, decoding, describe, describeNotes, refusal, sender } from "./request.js";

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
  refines: boolean; // decodes or shapes notes that are there, without sampling
}

export interface JobEvents {
  changed(): void; // notes or progress
  finished(doc: Doc, run: Running): void;
  ended(text: string): void; // without notes: cancelled or failed
}

/** Wishes for notes that are there: how they are decoded, how they are shaped. */
export interface Refinement {
  decode?: Decoding & { threshold: number };
  shape?: Shape;
  label: string;
}

export class Jobs {
  running: Running | null = null;
  private readonly asking: Asking;
  private count = Number(sessionStorage.getItem("jobs") ?? 0);
  private readonly told = new Map<string, Doc["meter"] | null>(); // the bars that jobs were told of since they were run
  private shown: { from: Doc; doc: Doc } | null = null; // the last preview, until the next note
  private wish: Refinement | null = null; // the newest one, while another is under way

  constructor(private connection: Connection, private events: JobEvents) {
    this.asking = new Asking(connection, ["/diffroll/job/done", "/diffroll/job/saved"]);
    connection.on("/diffroll/job/progress", (reply) => this.progress(reply));
    connection.on("/diffroll/note", (reply) => this.note(reply));
    connection.on("/diffroll/job/done", (reply) => this.done(reply));
    connection.on("/diffroll/job/cancelled", (reply) => this.end(reply.job, "Cancelled."));
    connection.on("/diffroll/error", (reply) => {
      if (reply.code === "bad-option" && this.running?.job === reply.about) this.cancel(); // rather than run without it
      this.end(reply.about, reply.text);
    });
  }

  /** Whether an error about something is nobody else's to show. */
  owns(about: string): boolean {
    return this.running?.job === about || this.asking.expects(about);
  }

  /** Ask for a task on the document. Returns a sentence when it cannot be asked for. */
  run(task: Task, doc: Doc, settings: Settings): string | null {
    const refused = refusal(task, doc);
    if (refused) return refused;
    if (this.running) this.cancel();
    const job = this.newName();
    const shape = doc.shape ?? UNSHAPED;
    const base = { ...doc, shape, rebarred: false, ...(task === "generate" && { buffer: "", title: "Generated", meter: [], regions: [] }) };
    this.begin(job, task, base, `${LABELS[task]}, seed ${settings["seed"] ?? 0}`);
    describe(sender(this.connection), job, task, doc, { deliver: "osc", pictures: "trajectory", ...decoding(doc.decode), ...shape, ...settings });
    if (!this.connection.send("/diffroll/job/run", job)) this.end(job, "The daemon does not answer; try again when it is back.");
    return null;
  }

  /** Show a job of another client as this page's own, as it is or as it comes. */
  copy(client: string, name: string, source: string, base: Doc): void {
    this.cancel();
    const job = this.newName();
    this.begin(job, "transcribe", { ...base, decode: null, shape: null, asker: { client, name, job: source } }, `${source}, from ${name}`);
    this.connection.send("/diffroll/job/copy", job, client, source);
  }

  cancel(): void {
    if (this.running) this.connection.send("/diffroll/job/cancel", this.running.job);
  }

  /** Decode or shape the notes again, without sampling; while one wish is under way, only the newest is kept. */
  refine(doc: Doc, wish: Refinement): void {
    if (!doc.job || (this.running && !this.running.refines)) return;
    this.wish = wish;
    if (!this.running) this.refineNow(doc);
  }

  /** Use a job of the daemon that holds the notes that are shown: the one that wrote them, or a new one. */
  async with<T>(doc: Doc, use: (job: string, variation: number) => Promise<T>): Promise<T> {
    if (doc.job && !doc.edited) {
      try {
        this.tellBars(doc);
        return await use(doc.job, doc.shown);
      } catch (error) {
        if ((error as Refusal).code !== "unknown-job") throw error; // a daemon that was restarted knows none
      }
    }
    const job = this.newName();
    const send = sender(this.connection);
    await this.asking.ask(job, "/diffroll/job/done", () => {
      describeNotes(send, job, doc);
      return this.connection.isOpen;
    });
    return use(job, 0);
  }

  /** Have the daemon write the notes that are shown into a file. */
  async save(doc: Doc, path: string): Promise<void> {
    await this.with(doc, (job, variation) =>
      this.asking.ask(job, "/diffroll/job/saved", () => this.connection.send("/diffroll/job/save", job, path, variation)),
    );
  }

  /** Give up: the daemon is gone. */
  lose(): void {
    this.asking.lose();
    if (this.running) this.end(this.running.job, "The daemon is gone; the request is lost, your notes are not.");
  }

  /** The document as far as its notes have come. */
  preview(doc: Doc): Doc {
    if (!this.running?.notes.length || this.running.refines) return doc;
    if (this.shown?.from !== doc) this.shown = { from: doc, doc: this.filled(this.running, doc) };
    return this.shown.doc;
  }

  private newName(): string {
    sessionStorage.setItem("jobs", String(++this.count));
    return `panel ${this.count}`;
  }

  private begin(job: string, task: Task, base: Doc, label: string, refines = false): void {
    const began = performance.now();
    this.shown = null;
    this.running = { job, task, base, began, first: null, step: 0, steps: 0, notes: [], label, refines };
    this.events.changed();
  }

  private refineNow(doc: Doc): void {
    const { decode, label } = this.wish!;
    const shape = this.wish!.shape ?? doc.shape; // the daemon's job may be ahead of a document that was undone
    this.wish = null;
    this.begin(doc.job, "transcribe", { ...doc, shape, decode: decode ?? doc.decode }, label, true);
    for (const [key, value] of Object.entries(shape ?? {})) this.connection.send("/diffroll/job/set", doc.job, key, value);
    this.tellBars(doc);
    if (decode) this.connection.send("/diffroll/job/redecode", doc.job, decode.threshold, decode.minNote);
    else this.connection.send("/diffroll/job/notes", doc.job);
  }

  /** Let the daemon's job be on the bars of the document, where these were changed since; or again on its own. */
  private tellBars(doc: Doc): void {
    const wanted = doc.rebarred ? doc.meter : null;
    if (wanted === (this.told.get(doc.job) ?? null)) return;
    this.connection.send("/diffroll/job/tempo/forget", doc.job);
    if (wanted) bars(sender(this.connection), doc.job, doc);
    this.told.set(doc.job, wanted);
  }

  private progress(reply: Replies["/diffroll/job/progress"]): void {
    if (this.running?.job !== reply.job) return;
    [this.running.step, this.running.steps] = [reply.step, reply.steps];
    this.events.changed();
  }

  private note(reply: Replies["/diffroll/note"]): void {
    const run = this.running;
    if (run?.job !== reply.job) return;
    this.shown = null;
    run.first ??= performance.now() - run.began;
    const { pitch, t, duration, velocity } = reply;
    (run.notes[reply.variation] ??= new Map()).set(reply.index, { pitch, t, duration, velocity });
    this.events.changed();
  }

  private done(reply: Replies["/diffroll/job/done"]): void {
    const run = this.running;
    if (run?.job !== reply.job) return;
    this.running = null;
    const doc = { ...this.filled(run, run.base), job: run.job, edited: this.differs(run) };
    if (!run.refines) run.label = `${run.label.replace(/, seed \d+$/, "")}, seed ${reply.seed}`;
    this.events.finished(doc, run);
    if (this.wish) this.refineNow(doc);
  }

  /** Whether notes are locked that the job does not have. */
  private differs(run: Running): boolean {
    const sent = new Set([...(run.notes[0]?.values() ?? [])].map((note) => `${note.pitch} ${note.t.toFixed(3)}`));
    return notesOf(run.base).some((note) => note.locked && !sent.has(`${note.pitch} ${note.t.toFixed(3)}`));
  }

  private end(about: string, text: string): void {
    if (this.running?.job !== about) return;
    this.running = this.wish = null;
    this.events.ended(text);
  }

  private filled(run: Running, doc: Doc): Doc {
    const before = notesOf(run.base);
    const locked = before.filter((note) => note.locked);
    const withContext = WITH_CONTEXT.includes(run.task);
    const variations = Array.from({ length: Math.max(1, run.notes.length) }, (_, index) => {
      const notes = sorted([...(run.notes[index]?.values() ?? [])]);
      if (run.task === "generate") return notes;
      const kept = withLocked(notes, locked);
      const fresh = run.refines ? before.filter((note) => !note.fresh) : before;
      return withContext || (run.refines && before.some((note) => note.fresh)) ? marked(kept, fresh) : kept;
    });
    const last = Math.max(...variations.flat().map((note) => note.t + note.duration), 0);
    const seconds = Math.max(run.task === "generate" ? 0 : run.base.seconds, last);
    return { ...run.base, variations, shown: Math.min(doc.shown, variations.length - 1), seconds };
  }
}
