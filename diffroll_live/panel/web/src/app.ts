// The panel's state, and the parts that act on it; the controls, the keys and the canvas all come here.

import { Jam } from "./daemon/jam.js";
import { Jobs, type Refinement, type Running } from "./daemon/jobs.js";
import { Live } from "./daemon/live.js";
import type { Settings, Task } from "./daemon/request.js";
import { DaemonState, PORTS } from "./daemon/state.js";
import { Editing } from "./editing.js";
import { Opening } from "./opening.js";
import { Player } from "./sound/player.js";
import { Pictures } from "./stage/pictures.js";
import type { Tool } from "./stage/pointer.js";
import { View } from "./stage/view.js";
import { Connection, type Link } from "./wire/connection.js";
import { Transfers } from "./wire/transfers.js";
import { type Doc, type Note, counted, notesOf } from "./work/doc.js";
import { Meter } from "./work/meter.js";
import { Steps } from "./work/steps.js";

export interface Message {
  text: string;
  action?: { label: string; run: () => void };
}

export class App {
  readonly steps = new Steps();
  readonly view = new View();
  readonly pictures = new Pictures();
  readonly connection: Connection;
  readonly transfers: Transfers;
  readonly jobs: Jobs;
  readonly live: Live;
  readonly jam: Jam;
  readonly daemon: DaemonState;
  readonly player: Player;
  readonly opening: Opening;
  readonly editing: Editing;
  selected = new Set<Note>();
  region = -1; // the one that is chosen
  tool: Tool = "region";
  division = "off"; // of the grid that is snapped to
  message: Message = { text: "" };
  link: Link = "connecting";
  lastTask: Task = "transcribe";
  private metered: { from: unknown; meter: Meter | null } = { from: null, meter: null };

  /** `settings` reads the dials for the next request. */
  constructor(readonly session: string, token: string, readonly changed: () => void, private settings: () => Settings) {
    this.connection = new Connection(session, token);
    this.transfers = new Transfers(session, () => this.connection.currentToken());
    this.jobs = new Jobs(this.connection, {
      changed: () => this.noted(),
      finished: (doc, run) => this.finished(doc, run),
      ended: (text) => this.say(text),
    });
    this.live = new Live(this.connection, changed);
    this.jam = new Jam(this.connection, changed);
    this.player = new Player(changed);
    this.opening = new Opening(this);
    this.editing = new Editing(this);
    this.daemon = new DaemonState(this.connection, changed, (job, name) => this.opening.offered(job, name));
    this.connection.onLink = (link) => this.linked(link);
    this.connection.onTile = (tile) => {
      if (tile.about === this.live.buffer && this.live.listening) this.live.put(tile);
      else if ([this.doc.buffer, this.doc.job, this.jobs.running?.job].includes(tile.about)) this.pictures.put(tile);
      changed();
    };
    this.connection.on("/diffroll/error", (reply) => this.failed(reply.about, reply.code, this.opening.named(reply.text)));
    this.connection.on("/diffroll/job/grid", (reply) => this.opening.gridded(reply));
    this.connection.on("/diffroll/job/grid/change", (reply) => this.opening.metered(reply));
    this.connection.on("/diffroll/panicked", () => this.say("Every note has ended."));
    this.steps.load(sessionStorage.getItem("steps"));
    this.player.notes = notesOf(this.steps.doc);
  }

  /** The document as it stands; while a job writes, with its notes so far. */
  get doc(): Doc {
    return this.jobs.preview(this.steps.doc);
  }

  /** The bars and beats of the document; null where nobody knows them. */
  get meter(): Meter | null {
    const { meter } = this.steps.doc;
    if (this.metered.from !== meter) this.metered = { from: meter, meter: meter.length ? new Meter(meter) : null };
    return this.metered.meter;
  }

  /** What goes on now, on an axis of its own: a live input, or a jam. */
  get rolling(): { now: number } | null {
    return this.live.listening ? this.live : this.jam.running ? this.jam : null;
  }

  /** Whether the job's pictures are of what is shown: they are of its first variation. */
  get pictured(): boolean {
    return !this.rolling && (this.doc.shown === 0 || this.jobs.running?.refines === false);
  }

  /** Whether the document can be changed; while it makes room for what is played now, that is said instead. */
  editable(): boolean {
    if (this.rolling) this.say("Stop the live input or the jam first; your notes come back then.");
    return !this.rolling;
  }

  say(text: string, action?: Message["action"]): void {
    this.message = action ? { text, action } : { text };
    this.changed();
  }

  /** Do something that may fail; what goes wrong is said. */
  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  private linked(link: Link): void {
    const opened = this.link !== "open" && link === "open";
    if (this.link === "open" && link !== "open") {
      this.jobs.lose();
      this.live.lose();
      this.jam.lose();
    }
    this.link = link;
    if (opened) {
      this.daemon.greet();
      this.opening.resume();
    }
    this.changed();
  }

  private failed(about: string, code: string, text: string): void {
    this.daemon.failed(about, text);
    if (this.opening.failed(about, code) || this.jobs.owns(about) || about === PORTS) return;
    this.say(text);
  }

  // --- jobs --------------------------------------------------------------------------------------------------------

  run(task: Task): void {
    const refused = this.jobs.run(task, this.steps.doc, this.settings());
    if (refused) return this.say(refused);
    this.lastTask = task;
    this.pictures.forgetJob();
    this.say("");
  }

  /** Decode or shape the notes of the last job again, at once. */
  refine(wish: Refinement): void {
    const { label, ...made } = wish;
    if (this.doc.job) return this.jobs.refine(this.steps.doc, wish);
    if (!this.editable()) return;
    this.steps.amend({ ...this.steps.doc, ...made });
    this.refresh();
    this.say(`${label}: the next request will have it.`);
  }

  private noted(): void {
    this.view.seconds = Math.max(this.view.seconds, this.doc.seconds);
    this.changed();
  }

  private finished(doc: Doc, run: Running): void {
    const again = run.refines && this.steps.label.split(" ")[0] === run.label.split(" ")[0];
    if (doc.buffer !== this.steps.doc.buffer) this.opening.forgetSound();
    if (again) this.steps.amend(doc, run.label);
    else this.steps.push(doc, run.label);
    if (run.base.seconds !== doc.seconds) this.view.fit(doc.seconds);
    if (!notesOf(run.base).length) this.view.fitPitches(notesOf(doc).map((note) => note.pitch));
    const count = counted(notesOf(doc).length);
    if (run.refines) this.say(`${count}.`);
    else {
      this.connection.send("/diffroll/job/picture", run.job, "posterior");
      if (!doc.meter.length) this.opening.fetchBars(run.job);
      const first = run.first === null ? "" : `, the first after ${Math.round(run.first)} ms`;
      this.say(`${count} in ${Math.round(performance.now() - run.began)} ms${first}.`);
    }
    this.refresh();
  }

  /** Play what is shown on the daemon's MIDI port. */
  playOnPort(): Promise<void> {
    return this.attempt(() =>
      this.jobs.with(this.steps.doc, async (job, variation) => {
        this.connection.send("/diffroll/job/play", job, variation);
      }),
    );
  }

  /** Give what is shown back to the client whose job it was made for. */
  giveBack(): Promise<void> {
    const { asker } = this.steps.doc;
    return this.attempt(async () => {
      if (!asker) return;
      await this.jobs.with(this.steps.doc, async (job, variation) => {
        this.connection.send("/diffroll/job/return", job, asker.client, asker.job, variation);
      });
      this.say(`${asker.name} has these notes now.`);
    });
  }

  // --- the document ------------------------------------------------------------------------------------------------

  push(doc: Doc, label: string): void {
    this.steps.push(doc, label);
    this.refresh();
  }

  /** Go to another step: undo, redo, or one of the history. */
  travel(go: (steps: Steps) => void): void {
    if (!this.editable()) return;
    const { buffer, job } = this.steps.doc;
    go(this.steps);
    const { doc } = this.steps;
    if (doc.buffer !== buffer) void this.opening.fetchSound();
    else if (doc.job !== job) this.opening.fetchPictures();
    this.view.seconds = Math.max(0.1, doc.seconds);
    this.region = -1;
    if (!this.message.action) this.say(""); // it was of another step
    this.refresh();
  }

  /** Show another variation; they follow each other in a ring. */
  show(variation: number): void {
    if (!this.editable()) return;
    const count = this.doc.variations.length;
    this.steps.amend({ ...this.steps.doc, shown: ((variation % count) + count) % count });
    this.refresh();
  }

  /** After a change of the document: keep it for a reload, and let the player have its notes. */
  refresh(): void {
    this.selected.clear();
    this.player.notes = notesOf(this.doc);
    if (this.region >= this.doc.regions.length) this.region = -1;
    this.keep();
    this.changed();
  }

  private keep(): void {
    for (const most of [40, 10, 1]) {
      try {
        sessionStorage.setItem("steps", this.steps.save(most));
        return;
      } catch {
        continue; // there is not so much room
      }
    }
    this.say("This piece is too long to survive a reload of the page; save the MIDI file.");
  }

  togglePlay(): void {
    if (this.player.playing) this.player.stop();
    else void this.player.play(this.doc.seconds).then(() => this.changed());
    this.changed();
  }

  seek(second: number): void {
    this.player.seek(Math.max(0, Math.min(second, this.doc.seconds)), this.doc.seconds);
    this.changed();
  }

  /** A time on the grid, where there is one. */
  snap(second: number): number {
    if (this.division === "off") return second;
    if (this.meter) return Math.max(0, this.meter.snap(second, this.division));
    return Math.round(second / 0.1) * 0.1;
  }
}
