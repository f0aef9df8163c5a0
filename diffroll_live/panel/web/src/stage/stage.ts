// The canvas: draws the app when something has changed, and tells it what the pointer does there.

import type { App } from "../app.js";
import { type Doc, EMPTY, type Note, type Region, notesOf, withNotes } from "../work/doc.js";
import { type Colours, type Theme, coloursOf } from "./colours.js";
import { draw } from "./draw.js";
import { firstAfter } from "./drawNotes.js";
import { Pointer, type Surface, type Tool } from "./pointer.js";
import { KEYS, type Panes, type Scene, panesOf } from "./scene.js";
import type { View } from "./view.js";

const NOW_AT = 0.92; // share of the width at which the present stands while something is going on
const CLICK = 3; // pixels within which a drag is none
const NO_KEYS: ReadonlySet<number> = new Set();

export class Stage implements Surface {
  readonly view: View;
  readonly pointer: Pointer;
  height = 1;
  private readonly context: CanvasRenderingContext2D;
  private colours: Colours = coloursOf("dark");
  private waiting = false;
  private painted: Region | null = null;
  private moving: { index: number; region: Region } | null = null; // the region that is dragged
  private dragged: Map<Note, Note> | null = null; // notes that are
  private pressed: number | null = null; // key

  constructor(private canvas: HTMLCanvasElement, private app: App) {
    this.view = app.view;
    this.context = canvas.getContext("2d", { alpha: false })!;
    this.pointer = new Pointer(canvas, this);
    new ResizeObserver(() => this.resize()).observe(canvas);
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  theme(theme: Theme): void {
    this.colours = coloursOf(theme);
    this.app.pictures.recolour();
    this.app.live.spectrogram?.recolour();
    this.invalidate();
  }

  /** Draw at the next frame. */
  invalidate(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
      if (this.app.player.playing || this.app.rolling) this.invalidate();
    });
  }

  picture(): Promise<Blob | null> {
    this.paint();
    return new Promise((resolve) => this.canvas.toBlob(resolve));
  }

  private resize(): void {
    const box = this.canvas.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(box.width * ratio);
    this.canvas.height = Math.round(box.height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.height = box.height;
    this.view.resize(box.width - KEYS);
    this.invalidate();
  }

  private paint(): void {
    const { app, view } = this;
    const { rolling } = app;
    const now = rolling?.now ?? app.player.position;
    if (rolling) {
      view.seconds = Math.max(now, view.width / view.scale);
      view.start = Math.max(0, now - (view.width / view.scale) * NOW_AT);
    } else if (app.player.playing) this.follow(now);
    const scene = this.scene(now);
    draw(this.context, this.height, view, scene, this.colours);
    this.canvas.dataset["notes"] = String(scene.live?.length ?? notesOf(scene.doc).length); // for those who cannot see
    this.canvas.dataset["keys"] = `${view.low} ${view.high}`;
  }

  private scene(now: number): Scene {
    const { app } = this;
    const { live, jam } = app;
    const rolling = app.rolling !== null;
    const shift = live.listening && jam.running ? live.now - jam.now : 0; // of the jam's axis
    const answers = jam.running ? jam.notes.map((note) => ({ ...note, t: note.t + shift })) : [];
    return {
      doc: rolling ? EMPTY : this.shown(),
      selected: this.dragged ? new Set(this.dragged.values()) : app.selected,
      region: app.region,
      draft: this.painted,
      playhead: now,
      sound: live.listening ? live.spectrogram : rolling || !app.doc.buffer ? null : app.pictures.spectrogram,
      behind: app.pictured ? app.pictures.behind : null,
      meter: rolling ? null : app.meter,
      live: rolling ? [...(live.listening ? live.notes.values() : []), ...answers] : null,
      pressed: this.pressed === null ? NO_KEYS : new Set([this.pressed]),
    };
  }

  /** The document, with what is being dragged where it is dragged to. */
  private shown(): Doc {
    let { doc } = this.app;
    const { moving, dragged } = this;
    if (moving) doc = { ...doc, regions: doc.regions.map((old, at) => (at === moving.index ? moving.region : old)) };
    if (dragged) doc = withNotes(doc, notesOf(doc).map((note) => dragged.get(note) ?? note));
    return doc;
  }

  private follow(position: number): void {
    const { view } = this;
    const width = view.end - view.start;
    if (position > view.end - 0.05 * width) view.scrollTo(position - 0.1 * width);
    else if (position < view.start) view.scrollTo(position);
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const { view } = this;
    const box = this.canvas.getBoundingClientRect();
    const x = event.clientX - box.left - KEYS;
    if (event.ctrlKey || event.metaKey) view.zoom(Math.exp(-event.deltaY / 200), x);
    else if (event.altKey) view.zoomPitches(3 * Math.sign(event.deltaY), view.pitch(event.clientY - box.top, this.panes.roll));
    else if (x < 0) view.scrollPitches(-event.deltaY / 30);
    else view.scrollTo(view.start + (event.deltaX || event.deltaY) / view.scale);
    this.invalidate();
  }

  // --- what the pointer does ---------------------------------------------------------------------------------------

  get panes(): Panes {
    return panesOf(this.height);
  }

  get tool(): Tool {
    return this.app.tool;
  }

  get seconds(): number {
    return this.app.doc.seconds;
  }

  get regions(): readonly Region[] {
    return this.app.rolling ? [] : this.app.doc.regions;
  }

  get chosen(): number {
    return this.app.region;
  }

  snap(second: number): number {
    return this.app.snap(second);
  }

  noteAt(x: number, y: number): Note | null {
    const { view, panes } = this;
    if (y < panes.roll.top) return null;
    const [second, pitch] = [view.second(x), view.pitch(y, panes.roll)];
    const slack = 3 / view.scale;
    const notes = this.app.rolling ? [] : notesOf(this.app.doc);
    const hit = (note: Note) => note.pitch === pitch && second <= note.t + note.duration + slack;
    return notes.slice(0, firstAfter(notes, second + slack)).findLast(hit) ?? null;
  }

  seek(second: number): void {
    this.app.seek(second);
  }

  scroll(): void {
    this.invalidate();
  }

  press(pitch: number | null): void {
    if (pitch === this.pressed) return;
    if (this.pressed !== null) this.app.jam.key(this.pressed, 0);
    this.pressed = pitch;
    if (pitch !== null) {
      this.app.player.audition(pitch, 90);
      this.app.jam.key(pitch, 90);
    }
    this.invalidate();
  }

  choose(index: number): void {
    this.app.editing.choose(index);
  }

  draft(region: Region | null): void {
    this.painted = region;
    if (!region) this.moving = this.dragged = null;
    this.invalidate();
  }

  add(region: Region): void {
    this.app.editing.addRegion(region);
  }

  change(index: number, region: Region, done: boolean): void {
    this.moving = done ? null : { index, region };
    if (done) this.app.editing.changeRegion(index, region);
    this.invalidate();
  }

  select(note: Note | null, more: boolean): void {
    this.app.editing.select(note, more);
    if (note) this.app.player.audition(note.pitch, note.velocity);
  }

  selectIn(region: Region): void {
    this.app.editing.selectIn(region);
  }

  drag(seconds: number, pitches: number, done: boolean): void {
    const far = Math.abs(seconds * this.view.scale) > CLICK || pitches !== 0;
    this.move(far ? this.app.editing.shifted(seconds, pitches) : null, "Move notes", done);
  }

  stretch(seconds: number, done: boolean): void {
    const far = Math.abs(seconds * this.view.scale) > CLICK;
    this.move(far ? this.app.editing.lengthened(seconds) : null, "Change the length", done);
  }

  private move(changed: Map<Note, Note> | null, label: string, done: boolean): void {
    this.dragged = done ? null : changed;
    if (done && changed) this.app.editing.replace(changed, label);
    this.invalidate();
  }

  write(note: Omit<Note, "velocity">): void {
    this.app.editing.write(note);
  }
}
