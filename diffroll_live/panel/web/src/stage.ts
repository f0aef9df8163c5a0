// The canvas: draws the app when something has changed, and tells it what the pointer does there.

import type { App } from "./app.js";
import { type Colours, type Theme, coloursOf } from "./colours.js";
import { type Note, type Region, covers, moved, notesOf, withNotes } from "./doc.js";
import { KEYS, type Panes, draw, panesOf } from "./draw.js";
import { Pointer, type Surface, type Tool } from "./pointer.js";
import { HIGH_PITCH, LOW_PITCH, type View } from "./view.js";

const FREE_GRID = 0.1; // s, where no tempo is known

export class Stage implements Surface {
  readonly view: View;
  readonly pointer: Pointer;
  private readonly context: CanvasRenderingContext2D;
  private colours: Colours = coloursOf("dark");
  private height = 1;
  private waiting = false;
  private painted: Region | null = null;
  private shift: [number, number] = [0, 0]; // of the selected notes, while they are dragged

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
    this.invalidate();
  }

  /** Draw at the next frame. */
  invalidate(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
      if (this.app.player.playing || this.app.live.listening) this.invalidate();
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
    if (app.live.listening) {
      view.seconds = Math.max(app.live.now, view.width / view.scale);
      view.start = Math.max(0, app.live.now - (view.width / view.scale) * 0.9);
    } else if (app.player.playing) this.follow(app.player.position);
    draw(this.context, this.height, view, {
      doc: this.dragged(),
      before: app.before,
      selected: app.selected,
      region: app.region,
      draft: this.painted,
      playhead: app.live.listening ? app.live.now : app.player.position,
      pictures: app.pictures,
      step: app.step,
      tempo: app.tempo,
      metre: app.metre,
      live: app.live.listening ? [...app.live.notes.values()] : null,
      levels: app.live.listening ? app.live.levels : [],
    }, this.colours);
  }

  private follow(position: number): void {
    const { view } = this;
    if (position > view.end - 0.05 * (view.end - view.start)) view.scrollTo(position - 0.1 * (view.end - view.start));
    else if (position < view.start) view.scrollTo(position);
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const { view } = this;
    const x = event.clientX - this.canvas.getBoundingClientRect().left - KEYS;
    if (event.ctrlKey || event.metaKey) view.zoom(Math.exp(-event.deltaY / 200), x);
    else if (event.altKey) this.zoomPitches(event.deltaY);
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      view.scrollTo(view.start + (event.deltaX || event.deltaY) / view.scale);
    } else view.scrollTo(view.start + event.deltaY / view.scale);
    this.invalidate();
  }

  zoomPitches(amount: number): void {
    const { view } = this;
    const by = Math.sign(amount) * 3;
    if (by < 0 && view.high - view.low < 30) return;
    view.low = Math.max(LOW_PITCH, view.low - by);
    view.high = Math.min(HIGH_PITCH, view.high + by);
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
    return this.app.doc.regions;
  }

  get chosen(): number {
    return this.app.region;
  }

  snap(second: number): number {
    if (!this.app.snap) return second;
    const grid = this.app.tempo ? 15 / this.app.tempo : FREE_GRID;
    return Math.round(second / grid) * grid;
  }

  noteAt(x: number, y: number): Note | null {
    const { view, panes } = this;
    if (y < panes.roll.top) return null;
    const [second, pitch] = [view.second(x), view.pitch(y, panes.roll)];
    const slack = 3 / view.scale;
    const hit = (note: Note) =>
      note.pitch === pitch && second >= note.t - slack && second <= note.t + note.duration + slack;
    return notesOf(this.app.doc).find(hit) ?? null;
  }

  seek(second: number): void {
    this.app.seek(Math.max(0, second));
  }

  choose(index: number): void {
    this.app.region = index;
    this.app.say("");
  }

  draft(region: Region | null): void {
    this.painted = region;
    this.invalidate();
  }

  add(region: Region): void {
    this.app.addRegion(region);
  }

  change(index: number, region: Region, done: boolean): void {
    this.app.changeRegion(index, region, done);
  }

  select(note: Note | null, more: boolean): void {
    const { app } = this;
    if (!more && !(note && app.selected.has(note))) app.selected = new Set();
    if (note) app.selected.add(note);
    app.say("");
  }

  selectIn(region: Region): void {
    this.app.selected = new Set(notesOf(this.app.doc).filter((note) => covers(region, note)));
    this.app.say(`${this.app.selected.size} notes selected.`);
  }

  drag(seconds: number, pitches: number, done: boolean): void {
    this.shift = [seconds, pitches];
    if (done && (Math.abs(seconds * this.view.scale) > 3 || pitches)) {
      this.app.replaceNotes(this.shifted(), "Move notes");
    }
    if (done) this.shift = [0, 0];
    this.invalidate();
  }

  write(note: Note): void {
    this.app.push(withNotes(this.app.steps.doc, [...notesOf(this.app.steps.doc), note]), "Draw a note");
  }

  private shifted(): Map<Note, Note> {
    const pairs = [...this.app.selected].map((note): [Note, Note] => {
      const { t, duration, pitch } = note;
      const box = { t0: t, t1: t + duration, low: pitch, high: pitch, hear: false };
      const to = moved(box, this.snap(t + this.shift[0]) - t, this.shift[1], Infinity);
      return [note, { ...note, t: to.t0, pitch: to.low }];
    });
    return new Map(pairs);
  }

  private dragged() {
    const { doc } = this.app;
    if (!this.shift[0] && !this.shift[1]) return doc;
    const changed = this.shifted();
    return withNotes(doc, notesOf(doc).map((note) => changed.get(note) ?? note));
  }
}
