// The panel's state and everything that can be done to it; the controls, the keys and the canvas all come here.

import { Connection, type Link } from "./connection.js";
import { DaemonState } from "./daemon.js";
import { type Doc, EMPTY, type Note, type Region, Steps, fitted, notesOf, withNotes } from "./doc.js";
import { noteKey } from "./draw.js";
import { type Dials, Jobs, type Running, type Task } from "./jobs.js";
import { Live } from "./live.js";
import { Player } from "./player.js";
import type { Tool } from "./pointer.js";
import { Pictures } from "./tiles.js";
import { Transfers } from "./transfers.js";
import { View } from "./view.js";

const WITH_CONTEXT: readonly Task[] = ["inpaint", "continue"]; // tasks that leave notes as they were

export class App {
  readonly steps = new Steps();
  readonly view = new View();
  readonly pictures = new Pictures();
  readonly connection: Connection;
  readonly transfers: Transfers;
  readonly jobs: Jobs;
  readonly live: Live;
  readonly daemon: DaemonState;
  readonly player: Player;
  selected = new Set<Note>();
  region = -1; // the one that is chosen
  tool: Tool = "region";
  snap = false;
  step = -1; // of the trajectory that is shown
  message = "";
  link: Link = "connecting";
  before = new Set<string>();
  lastTask: Task = "transcribe";
  private opening = new Map<string, string>(); // titles by buffers that are being read
  private buffers = Number(sessionStorage.getItem("buffers") ?? 0);

  constructor(session: string, token: string, private changed: () => void, readonly dials: () => Dials) {
    this.connection = new Connection(session, token);
    this.transfers = new Transfers(session, token);
    this.jobs = new Jobs(this.connection, {
      changed: () => this.noted(),
      finished: (doc, label, run) => this.finished(doc, label, run),
      ended: (_, text) => this.say(text),
    });
    this.live = new Live(this.connection, changed);
    this.daemon = new DaemonState(this.connection, {
      job: (client, job) => this.jobs.copy(client, job, this.doc),
      buffer: (client, buffer) => this.copyBuffer(client, buffer),
    }, changed);
    this.player = new Player(changed);
    this.connection.onLink = (link) => this.linked(link);
    this.connection.onTile = (tile) => {
      if (tile.about === this.doc.buffer || tile.about === this.doc.job) this.pictures.put(tile);
      changed();
    };
    this.connection.on("/diffroll/audio/ready", (reply) => this.ready(reply.buffer, reply.seconds));
    this.connection.on("/diffroll/error", (reply) => this.failed(reply.about, reply.text));
    this.connection.on("/diffroll/panicked", () => this.say("Every note has ended."));
    this.steps.load(sessionStorage.getItem("steps"));
  }

  /** The document as it stands; while a job writes, with its notes so far. */
  get doc(): Doc {
    return this.jobs.preview(this.steps.doc);
  }

  get tempo(): number {
    const { transport } = this.daemon;
    return transport && (transport.playing || transport.tempo !== 120) ? transport.tempo : 0;
  }

  get metre(): [number, number] {
    const { transport } = this.daemon;
    return transport ? [transport.numerator, transport.denominator] : [4, 4];
  }

  say(text: string): void {
    this.message = text;
    this.changed();
  }

  // --- opening -----------------------------------------------------------------------------------------------------

  async open(file: File): Promise<void> {
    await this.attempt(async () => {
      if (/\.midi?$/i.test(file.name)) {
        const notes = await this.transfers.readMidi(file);
        const last = Math.max(0, ...notes.map((note) => note.t + note.duration));
        const base = this.doc.buffer ? this.doc : { ...EMPTY, title: file.name };
        const doc = withNotes({ ...base, seconds: Math.max(base.seconds, last), job: "" }, notes);
        if (!base.buffer) await this.forgetSound();
        this.push(doc, `Open ${file.name}`);
        this.view.fit(doc.seconds);
        this.view.fitPitches(notes.map((note) => note.pitch));
      } else {
        this.say(`Uploading ${file.name}…`);
        this.read(await this.transfers.upload(file), file.name);
      }
    });
  }

  async openClip(): Promise<void> {
    await this.attempt(async () => this.read(await this.transfers.clip(), "The shipped clip"));
  }

  private read(path: string, title: string): void {
    const buffer = this.newBuffer(title);
    this.connection.send("/diffroll/audio/file", buffer, path);
    this.say(`Reading ${title}…`);
  }

  private copyBuffer(client: string, source: string): void {
    this.connection.send("/diffroll/audio/copy", this.newBuffer(source), client, source);
  }

  private newBuffer(title: string): string {
    sessionStorage.setItem("buffers", String(++this.buffers));
    const buffer = `recording ${this.buffers}`;
    this.opening.set(buffer, title);
    return buffer;
  }

  private ready(buffer: string, seconds: number): void {
    const title = this.opening.get(buffer) ?? (buffer === "live" ? "Live input" : null);
    if (title === null) return;
    this.opening.delete(buffer);
    this.push({ ...EMPTY, title, buffer, seconds }, `Open ${title}`);
    this.view.fit(seconds);
    this.say("");
    void this.fetchSound();
  }

  private async fetchSound(): Promise<void> {
    this.pictures.clear();
    const { buffer } = this.doc;
    if (!buffer) return;
    this.connection.send("/diffroll/audio/picture", buffer);
    await this.attempt(async () => this.player.load(await this.transfers.download(buffer)));
  }

  private async forgetSound(): Promise<void> {
    this.pictures.clear();
    await this.player.load(null);
  }

  private failed(about: string, text: string): void {
    this.opening.delete(about);
    this.say(text);
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  // --- the connection ----------------------------------------------------------------------------------------------

  private linked(link: Link): void {
    const first = this.link !== "open" && link === "open";
    this.link = link;
    if (first) {
      this.daemon.greet();
      this.view.fit(Math.max(1, this.doc.seconds));
      this.view.fitPitches(notesOf(this.doc).map((note) => note.pitch));
      if (!this.pictures.spectrogram) void this.fetchSound();
    }
    this.changed();
  }

  // --- jobs --------------------------------------------------------------------------------------------------------

  run(task: Task): void {
    const refused = this.jobs.run(task, this.steps.doc, this.dials());
    if (refused) return this.say(refused);
    this.lastTask = task;
    this.pictures.forgetJob();
    this.step = -1;
    this.say("");
    const kept = WITH_CONTEXT.includes(task) ? notesOf(this.steps.doc).map(noteKey) : [];
    this.before = new Set(kept);
  }

  private noted(): void {
    if (this.jobs.running && !WITH_CONTEXT.includes(this.jobs.running.task)) {
      this.before = new Set(this.doc.variations.flat().map(noteKey));
    }
    this.view.seconds = Math.max(this.view.seconds, this.doc.seconds);
    this.changed();
  }

  private finished(doc: Doc, label: string, run: Running): void {
    const decoded = label.startsWith("Threshold");
    if (decoded && this.steps.label.startsWith("Threshold")) this.steps.amend(doc, label);
    else this.push(doc, label);
    if (!WITH_CONTEXT.includes(run.task)) this.before = new Set(doc.variations.flat().map(noteKey));
    if (run.base.seconds !== doc.seconds) this.view.fit(doc.seconds);
    if (!notesOf(run.base).length) this.view.fitPitches(notesOf(doc).map((note) => note.pitch));
    if (!decoded) {
      this.connection.send("/diffroll/job/picture", run.job, "posterior");
      const first = run.first === null ? "" : `, the first after ${Math.round(run.first)} ms`;
      this.say(`${notesOf(doc).length} notes in ${Math.round(performance.now() - run.began)} ms${first}.`);
    }
    this.refresh();
  }

  /** Ask for the steps of the sampling that led to the notes, to look through them. */
  askTrajectory(): void {
    if (this.doc.job) this.connection.send("/diffroll/job/picture", this.doc.job, "trajectory");
  }

  playOnPort(): void {
    const { job, shown } = this.doc;
    if (!job) return this.say("The MIDI port plays what a job wrote; transcribe or fill first.");
    this.connection.send("/diffroll/job/play", job, shown);
  }

  // --- the document ------------------------------------------------------------------------------------------------

  push(doc: Doc, label: string): void {
    this.steps.push(doc, label);
    this.refresh();
  }

  goTo(index: number): void {
    this.travel(() => this.steps.goTo(index));
  }

  undo(): void {
    this.travel(() => this.steps.undo());
  }

  redo(): void {
    this.travel(() => this.steps.redo());
  }

  private travel(go: () => void): void {
    const { buffer } = this.steps.doc;
    go();
    if (this.steps.doc.buffer !== buffer) void this.fetchSound();
    this.view.seconds = Math.max(0.1, this.steps.doc.seconds);
    this.region = -1;
    this.refresh();
  }

  show(variation: number): void {
    const count = this.doc.variations.length;
    this.steps.amend({ ...this.steps.doc, shown: ((variation % count) + count) % count });
    this.refresh();
  }

  private refresh(): void {
    this.selected.clear();
    this.player.notes = notesOf(this.doc);
    if (this.region >= this.doc.regions.length) this.region = -1;
    try {
      sessionStorage.setItem("steps", this.steps.save());
    } catch {
      this.say("This piece is too long to survive a reload of the page; save the MIDI file.");
    }
    this.changed();
  }

  // --- regions and notes -------------------------------------------------------------------------------------------

  addRegion(region: Region): void {
    this.push({ ...this.steps.doc, regions: [...this.steps.doc.regions, region] }, "Add a region");
    this.region = this.steps.doc.regions.length - 1;
    this.changed();
  }

  /** Add a region where one looks: the middle third of what is on the screen. */
  addRegionHere(): void {
    const { start, end } = this.view;
    const third = (end - start) / 3;
    const region = fitted({ t0: start + third, t1: end - third, low: 48, high: 84, hear: false }, this.doc.seconds);
    if (region) this.addRegion(region);
    else this.say("Open a recording or a MIDI file first.");
  }

  changeRegion(index: number, region: Region, done: boolean): void {
    const regions = this.steps.doc.regions.map((old, at) => (at === index ? region : old));
    if (done) this.push({ ...this.steps.doc, regions }, "Change a region");
    else this.steps.amend({ ...this.steps.doc, regions });
    this.changed();
  }

  remove(): void {
    const { doc } = this.steps;
    if (this.selected.size) {
      this.push(withNotes(doc, notesOf(doc).filter((note) => !this.selected.has(note))), "Delete notes");
    } else if (this.region >= 0) {
      this.push({ ...doc, regions: doc.regions.filter((_, index) => index !== this.region) }, "Remove a region");
    }
  }

  replaceNotes(changed: ReadonlyMap<Note, Note>, label: string): void {
    const notes = notesOf(this.steps.doc).map((note) => changed.get(note) ?? note);
    const selected = [...changed.values()];
    this.push(withNotes(this.steps.doc, notes), label);
    this.selected = new Set(selected);
    this.changed();
  }

  togglePlay(): void {
    if (this.player.playing) this.player.stop();
    else void this.player.play(this.doc.seconds).then(() => this.changed());
    this.changed();
  }

  seek(second: number): void {
    this.player.seek(Math.min(second, this.doc.seconds), this.doc.seconds);
    this.changed();
  }
}
