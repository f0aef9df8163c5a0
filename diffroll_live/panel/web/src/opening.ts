// What comes in: files, the shipped clip, a DAW's buffers and jobs, live input; and the sound of the document.

import type { App } from "./app.js";
import type { Job } from "./daemon/state.js";
import type { Replies } from "./wire/messages.js";
import { keep, recall } from "./wire/recordings.js";
import { type Doc, EMPTY, counted, notesOf, withNotes } from "./work/doc.js";
import type { Change } from "./work/meter.js";

type Arriving = { title: string; then?: () => void } | { restores: true };

const NAMES: Record<string, string> = { transcribe: "a transcription", inpaint: "a fill", continue: "a continuation", generate: "something new" };

export class Opening {
  private arriving = new Map<string, Arriving>(); // by buffers that are being read
  private readonly names = new Map<string, string>(); // of files that were sent, by those that the daemon knows them by
  private count = Number(sessionStorage.getItem("buffers") ?? 0);
  private following = sessionStorage.getItem("following") ?? ""; // the job of a DAW that is shown, by client and name
  private rows: Change[] = [];
  private gridOf = ""; // the last job whose bars and beats somebody knows

  constructor(private app: App) {
    app.connection.on("/diffroll/audio/ready", (reply) => this.ready(reply.buffer, reply.seconds));
  }

  async file(file: File): Promise<void> {
    const { app } = this;
    await app.attempt(async () => {
      if (/\.midi?$/i.test(file.name)) await this.midi(file);
      else {
        app.say(`Uploading ${file.name}…`);
        this.read(await app.transfers.upload(file, file.name), file.name);
      }
    });
  }

  clip(): Promise<void> {
    return this.app.attempt(async () => this.read(await this.app.transfers.clip(), "The shipped clip"));
  }

  /** Open a buffer that another client has sent. */
  buffer(client: string, source: string, then?: () => void): void {
    this.app.connection.send("/diffroll/audio/copy", this.newBuffer({ title: source, ...(then && { then }) }), client, source);
  }

  /** Open a job of another client, with its recording where it has one. */
  job(job: Job): void {
    const { app } = this;
    const copy = () => {
      app.pictures.forgetJob();
      const base = job.buffer ? app.steps.doc : { ...EMPTY, title: job.job };
      app.jobs.copy(job.client, app.daemon.nameOf(job.client), job.job, base);
    };
    this.follow(job);
    const { asker } = app.steps.doc;
    if (job.buffer && !(asker?.client === job.client && app.steps.doc.title === job.buffer)) this.buffer(job.client, job.buffer, copy);
    else copy();
  }

  /** A DAW asks for something: it is shown by itself where nothing of the person's would be displaced. */
  offered(job: Job, name: string): void {
    const { app } = this;
    if (name === "panel" || !["queued", "running", "done"].includes(job.state)) return;
    if (job.state === "done" && app.daemon.isNew) return; // it was done before this page was there
    const key = `${job.client} ${job.job}`;
    if (this.following === key && (job.state === "done" || app.jobs.running)) return;
    const free = app.steps.doc === EMPTY || !app.steps.doc.title || app.steps.doc.asker?.client === job.client;
    if (free && !app.jobs.running && !app.rolling) this.job(job);
    else if (job.state !== "done") {
      app.say(`${name} asks for ${NAMES[job.task] ?? job.task}.`, { label: "Show it", run: () => this.job(job) });
    }
  }

  /** The last minutes of a live input, with the notes that were heard. */
  private listened(seconds: number): void {
    const { app } = this;
    const notes = app.live.heard(seconds);
    const doc = { ...EMPTY, title: "Live input", buffer: app.live.buffer, seconds, variations: [notes], edited: true };
    this.show(doc, "Listen");
    app.view.fitPitches(notes.map((note) => note.pitch));
  }

  private async midi(file: File): Promise<void> {
    const { app } = this;
    const { notes, meter, leftOut } = await app.transfers.readMidi(file);
    const last = Math.max(0, ...notes.map((note) => note.t + note.duration));
    const base = app.doc.buffer ? app.doc : this.dialled({ ...EMPTY, title: file.name });
    const doc = withNotes({ ...base, variations: [[]], shown: 0, seconds: Math.max(base.seconds, last), job: "", meter }, notes);
    if (!base.buffer) {
      app.pictures.clear();
      await app.player.load(null);
    }
    app.pictures.forgetJob();
    app.push(doc, `Open ${file.name}`);
    app.view.fit(doc.seconds);
    app.view.fitPitches(notes.map((note) => note.pitch));
    const behind = leftOut.length ? ` The panel has notes alone; left out: ${leftOut.join(" and ")} of the file.` : "";
    app.say(`${counted(notes.length)}.${behind}`);
  }

  private read(path: string, title: string): void {
    this.names.set(path.split(/[\\/]/).at(-1)!, title);
    this.app.connection.send("/diffroll/audio/file", this.newBuffer({ title }), path);
    this.app.say(`Reading ${title}…`);
  }

  private newBuffer(arriving: Arriving): string {
    sessionStorage.setItem("buffers", String(++this.count));
    const buffer = `recording ${this.count}`;
    this.arriving.set(buffer, arriving);
    return buffer;
  }

  private ready(buffer: string, seconds: number): void {
    const { app } = this;
    const arriving = this.arriving.get(buffer);
    this.arriving.delete(buffer);
    if (!arriving) {
      if (buffer === app.live.buffer) this.listened(seconds);
    } else if ("restores" in arriving) app.connection.send("/diffroll/audio/picture", buffer);
    else {
      this.show({ ...EMPTY, title: arriving.title, buffer, seconds }, `Open ${arriving.title}`);
      arriving.then?.();
    }
  }

  private show(doc: Doc, label: string): void {
    const { app } = this;
    app.push(this.dialled(doc), label);
    app.view.fit(doc.seconds);
    app.say("");
    void this.fetchSound();
  }

  /** A new document, with the dials as they were turned before anything was there. */
  private dialled(doc: Doc): Doc {
    const { title, decode, shape } = this.app.doc;
    return title ? doc : { ...doc, decode, shape };
  }

  private follow(job: Job): void {
    this.following = `${job.client} ${job.job}`;
    sessionStorage.setItem("following", this.following);
  }

  // --- the sound and the pictures of the document ------------------------------------------------------------------

  async fetchSound(): Promise<void> {
    const { app } = this;
    const { buffer } = app.doc;
    app.pictures.clear();
    if (!buffer) return app.player.load(null);
    app.connection.send("/diffroll/audio/picture", buffer);
    this.fetchPictures();
    await app.attempt(async () => {
      const key = `${app.session} ${buffer}`;
      const data = (await recall(key)) ?? (await app.transfers.download(buffer));
      void keep(key, data.slice(0));
      await app.player.load(data);
    });
  }

  /** What is shown has no recording any more. */
  forgetSound(): void {
    this.app.pictures.spectrogram = null;
    void this.app.player.load(null);
  }

  /** Ask for what the job of the document kept for the eye. */
  fetchPictures(): void {
    const { app } = this;
    app.pictures.forgetJob();
    if (!app.doc.job) return;
    for (const kind of ["posterior", "trajectory"]) app.connection.send("/diffroll/job/picture", app.doc.job, kind);
  }

  /** After the connection was opened: bring back what the page shows. */
  resume(): void {
    const { app } = this;
    app.view.fit(Math.max(1, app.doc.seconds));
    app.view.fitPitches(notesOf(app.doc).map((note) => note.pitch));
    if (!app.player.recording) void this.fetchSound();
    else if (app.doc.buffer) app.connection.send("/diffroll/audio/picture", app.doc.buffer);
  }

  /** A sentence of the daemon's with files called as the person calls them. */
  named(text: string): string {
    return [...this.names].reduce((said, [theirs, own]) => said.replaceAll(theirs, () => own), text);
  }

  /** Whether an error is dealt with here: a daemon that was restarted lacks the recording, and gets it again. */
  failed(about: string, code: string): boolean {
    const { app } = this;
    this.arriving.delete(about);
    if (about === app.doc.buffer && code === "unknown-buffer") {
      if (!this.arriving.has(about)) void this.restore(about);
      return true;
    }
    return about === app.doc.job && code === "unknown-job" && !app.jobs.owns(about); // its pictures are gone with it
  }

  private restore(buffer: string): Promise<void> {
    const { app } = this;
    return app.attempt(async () => {
      this.arriving.set(buffer, { restores: true });
      const data = await recall(`${app.session} ${buffer}`);
      if (!data) throw new Error("The daemon no longer has the recording; open it again. Your notes are still here.");
      const path = await app.transfers.upload(new Blob([data]), "again.wav");
      app.connection.send("/diffroll/audio/file", buffer, path);
    });
  }

  gridded(reply: Replies["/diffroll/job/grid"]): void {
    if (reply.source !== "none") this.gridOf = reply.job;
  }

  /** Ask for the bars and beats that a job was run on, where it was run on any. */
  fetchBars(job: string): void {
    if (this.gridOf === job) this.app.connection.send("/diffroll/job/grid/changes", job);
  }

  /** Take the bars and beats that a job was run on. */
  metered(reply: Replies["/diffroll/job/grid/change"]): void {
    const { app } = this;
    if (reply.job !== app.steps.doc.job) return;
    if (reply.index === 0) this.rows = [];
    const { t, bpm, numerator, denominator, beat } = reply;
    this.rows.push({ t, bpm, numerator, denominator, beat });
    if (this.rows.length === reply.count) {
      app.steps.amend({ ...app.steps.doc, meter: this.rows, rebarred: false });
      app.refresh();
    }
  }
}
