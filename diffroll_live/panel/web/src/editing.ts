// What a person does to regions and notes by hand; each change is a step that can be undone.

import type { App } from "./app.js";
import { UNSHAPED } from "./daemon/request.js";
import { type Decoding, type Note, type Region, type Shape, SHORTEST, counted, covers, fitted, moved, notesOf, withNotes } from "./work/doc.js";
import { Meter } from "./work/meter.js";
import { HIGH_PITCH, LOW_PITCH } from "./work/piano.js";

const VELOCITY = 80; // of a drawn note

export class Editing {
  constructor(private app: App) {}

  private get notes(): readonly Note[] {
    return notesOf(this.app.steps.doc);
  }

  // --- regions -----------------------------------------------------------------------------------------------------

  addRegion(region: Region): void {
    const { app } = this;
    if (!app.editable()) return;
    app.push({ ...app.steps.doc, regions: [...app.steps.doc.regions, region] }, "Add a region");
    this.choose(app.steps.doc.regions.length - 1);
  }

  /** Add a region where one looks: the middle third of what is on the screen. */
  addRegionHere(): void {
    const { app } = this;
    const { start, end, low, high } = app.view;
    const third = (end - start) / 3;
    const keys = Math.round((high - low) / 4);
    const [t0, t1] = [app.snap(start + third), app.snap(end - third)];
    const region = fitted({ t0, t1, low: low + keys, high: high - keys, hear: false }, app.doc.seconds);
    if (region) this.addRegion(region);
    else app.say("Open a recording or a MIDI file first.");
  }

  /** Change a region; `goesOn` makes it one step with the change before. */
  changeRegion(index: number, region: Region, goesOn = false): void {
    const { app } = this;
    if (!app.editable()) return;
    const label = "Change a region";
    if (JSON.stringify(region) === JSON.stringify(app.steps.doc.regions[index])) return;
    const doc = { ...app.steps.doc, regions: app.steps.doc.regions.map((old, at) => (at === index ? region : old)) };
    if (goesOn && app.steps.label === label) app.steps.amend(doc);
    else app.steps.push(doc, label);
    app.refresh();
  }

  choose(region: number): void {
    this.app.region = region;
    this.app.selected.clear();
    this.app.changed();
  }

  toggleHear(): void {
    const region = this.app.doc.regions[this.app.region];
    if (region) this.changeRegion(this.app.region, { ...region, hear: !region.hear });
  }

  // --- notes -------------------------------------------------------------------------------------------------------

  select(note: Note | null, more: boolean): void {
    const { app } = this;
    app.region = -1;
    if (!more && !(note && app.selected.has(note))) app.selected = new Set();
    if (note && more && app.selected.has(note)) app.selected.delete(note);
    else if (note) app.selected.add(note);
    app.changed();
  }

  selectIn(region: Region): void {
    this.selectThose(this.notes.filter((note) => covers(region, note)));
  }

  selectThose(notes: readonly Note[]): void {
    const { app } = this;
    app.region = -1;
    app.selected = new Set(notes);
    app.say(`${counted(notes.length)} selected.`);
  }

  /** Select the next note in time, or the one before; the first on the screen where none is selected. */
  selectNext(step: 1 | -1): void {
    const { app, notes } = this;
    const chosen = notes.findIndex((note) => app.selected.has(note));
    const here = notes.findIndex((note) => note.t >= app.view.start);
    const note = notes[chosen < 0 ? Math.max(0, here) : Math.max(0, Math.min(notes.length - 1, chosen + step))];
    if (!note) return app.say("There are no notes yet.");
    app.region = -1;
    app.selected = new Set([note]);
    if (note.t < app.view.start || note.t > app.view.end) app.view.scrollTo(note.t - 0.3 * (app.view.end - app.view.start));
    app.player.audition(note.pitch, note.velocity);
    app.changed();
  }

  /** The selected notes, moved; what is moved by hand is locked. */
  shifted(seconds: number, pitches: number): Map<Note, Note> {
    const { app } = this;
    const [first] = [...app.selected].sort((a, b) => a.t - b.t);
    const by = first ? app.snap(first.t + seconds) - first.t : seconds;
    const pairs = [...app.selected].map((note): [Note, Note] => {
      const { t, duration, pitch } = note;
      const to = moved({ t0: t, t1: t + duration, low: pitch, high: pitch, hear: false }, seconds ? by : 0, pitches, Infinity);
      return [note, { ...note, t: to.t0, pitch: to.low, locked: true }];
    });
    return new Map(pairs);
  }

  /** The selected notes with other ends. */
  lengthened(seconds: number): Map<Note, Note> {
    const pairs = [...this.app.selected].map((note): [Note, Note] => {
      const end = this.app.snap(note.t + note.duration + seconds);
      return [note, { ...note, duration: Math.max(SHORTEST, end - note.t), locked: true }];
    });
    return new Map(pairs);
  }

  replace(changed: ReadonlyMap<Note, Note>, label: string): void {
    const { app } = this;
    if (!changed.size || !app.editable()) return;
    app.push(withNotes(app.steps.doc, this.notes.map((note) => changed.get(note) ?? note)), label);
    app.selected = new Set(changed.values());
    app.changed();
  }

  /** Lock the selected notes; unlock them where all of them are. */
  toggleLock(): void {
    const { selected } = this.app;
    if (!selected.size) return this.app.say("Select notes to lock them: with the tool Select, or by , and .");
    const lock = [...selected].some((note) => !note.locked);
    const changed = [...selected].map((note): [Note, Note] => {
      const { locked: _, ...open } = note;
      return [note, lock ? { ...open, locked: true } : open];
    });
    this.replace(new Map(changed), lock ? "Lock notes" : "Unlock notes");
  }

  setVelocity(velocity: number): void {
    const changed = [...this.app.selected].map((note): [Note, Note] => [note, { ...note, velocity, locked: true }]);
    this.replace(new Map(changed), "Change the velocity");
  }

  write(note: Omit<Note, "velocity">): void {
    const { app } = this;
    if (!app.editable()) return;
    const drawn: Note = { ...note, velocity: VELOCITY, locked: true };
    const doc = { ...app.steps.doc, seconds: Math.max(app.steps.doc.seconds, note.t + note.duration) };
    app.push(withNotes({ ...doc, title: doc.title || "Drawn" }, [...this.notes, drawn]), "Draw a note");
    app.selected = new Set([drawn]);
    app.player.audition(drawn.pitch, drawn.velocity);
    app.changed();
  }

  /** Draw a note at the playhead, on the key in the middle of the screen. */
  writeHere(): void {
    const { view, meter, player } = this.app;
    const pitch = Math.max(LOW_PITCH, Math.min(HIGH_PITCH, Math.round((view.low + view.high) / 2)));
    const t = this.app.snap(player.position);
    const duration = meter ? meter.timeAt(meter.beatAt(t) + 1) - t : 0.5;
    this.write({ pitch, t, duration });
  }

  /** Delete the selected notes, or else the chosen region. */
  remove(): void {
    const { app } = this;
    if (!app.editable()) return;
    const { doc } = app.steps;
    if (app.selected.size) {
      app.push(withNotes(doc, this.notes.filter((note) => !app.selected.has(note))), "Delete notes");
    } else if (app.region >= 0) {
      app.push({ ...doc, regions: doc.regions.filter((_, index) => index !== app.region) }, "Remove a region");
    }
  }

  /** Have the next request decode and move its notes in this way; those that are there stay as they are. */
  setMaking(decode: Decoding | null, shape: Shape | null): void {
    const { app } = this;
    const { doc } = app.steps;
    const other = JSON.stringify([decode, shape ?? UNSHAPED]) !== JSON.stringify([doc.decode, doc.shape ?? UNSHAPED]);
    if (other && app.editable()) app.push({ ...doc, decode, shape }, "Dials of a request");
  }

  /** Say what the bars and beats are: a steady tempo with a bar line at `t` seconds; none forgets them. */
  setMeter(bpm: number | null, numerator: number, denominator: number, t: number): void {
    const { app } = this;
    if (!app.editable()) return;
    const meter = bpm === null ? [] : Meter.steady(bpm, numerator, denominator, t);
    app.push({ ...app.steps.doc, meter, rebarred: true }, bpm === null ? "Forget the bars" : `Bars of ${numerator}/${denominator} at ${bpm}`);
  }
}
