// What the mouse, the pen and fingers do on the canvas: paint, move and resize regions; select, move, draw notes; scroll.

import { type Note, type Region, SHORTEST, fitted, moved } from "../work/doc.js";
import { type Grip, gripOf } from "./grips.js";
import { BAR, KEYS, type Panes, RULER } from "./scene.js";
import type { View } from "./view.js";

export type Tool = "region" | "select" | "draw";

/** What a gesture changes; `done` makes a step of it. */
export interface Surface {
  readonly view: View;
  readonly panes: Panes;
  readonly tool: Tool;
  readonly seconds: number;
  readonly regions: readonly Region[];
  readonly chosen: number;
  readonly height: number;
  snap(second: number): number;
  noteAt(x: number, y: number): Note | null;
  seek(second: number): void;
  scroll(): void;
  press(pitch: number | null): void;
  choose(index: number): void;
  draft(region: Region | null): void;
  add(region: Region): void;
  change(index: number, region: Region, done: boolean): void;
  select(note: Note | null, more: boolean): void;
  selectIn(region: Region): void;
  drag(seconds: number, pitches: number, done: boolean): void;
  stretch(seconds: number, done: boolean): void;
  write(note: Omit<Note, "velocity">): void;
}

type Gesture = Grip | { kind: "seek" | "scroll" | "keys" | "notes" | "ends" | "lasso" | "write" };

interface Point {
  x: number;
  y: number;
  second: number;
  pitch: number;
}

const EDGE = { mouse: 7, pen: 9, touch: 16 } as const; // pixels
const END = 6; // pixels of a note by which its end is taken

export class Pointer {
  private gesture: Gesture | null = null;
  private from: Point = { x: 0, y: 0, second: 0, pitch: 60 };
  private fingers = new Map<number, Point>();

  constructor(private canvas: HTMLCanvasElement, private surface: Surface) {
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => {
      this.fingers.delete(event.pointerId);
      this.cancel();
    });
  }

  /** Give up a gesture, as Escape does. */
  cancel(): void {
    this.gesture = null;
    this.surface.press(null);
    this.surface.draft(null);
  }

  private point(event: PointerEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - KEYS, event.clientY - box.top];
    const { view, panes } = this.surface;
    const pane = y < panes.roll.top ? panes.sound : panes.roll;
    return { x, y, second: view.second(x), pitch: view.pitch(y, pane) };
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const at = this.point(event);
    this.fingers.set(event.pointerId, at);
    this.canvas.setPointerCapture(event.pointerId);
    if (this.fingers.size > 1) return this.cancel(); // two fingers zoom and scroll
    this.from = at;
    this.gesture = this.begin(at, event);
    if (this.gesture.kind === "seek") this.surface.seek(at.second);
    else if (this.gesture.kind === "keys") this.surface.press(at.pitch);
    else if (this.gesture.kind === "scroll") this.scroll(at);
    else if (this.gesture.kind === "move" || this.gesture.kind === "resize") this.surface.choose(this.gesture.index);
  }

  private begin(at: Point, event: PointerEvent): Gesture {
    const { surface } = this;
    if (at.y > surface.height - BAR) return { kind: "scroll" };
    if (at.y < RULER) return { kind: "seek" };
    if (at.x < 0) return { kind: "keys" };
    if (surface.tool === "draw") return { kind: "write" };
    if (surface.tool === "region") return this.grip(at, event);
    const note = surface.noteAt(at.x, at.y);
    surface.select(note, event.shiftKey);
    if (!note) return { kind: "lasso" };
    const end = surface.view.x(note.t + note.duration);
    return { kind: end - at.x < END && note.duration * surface.view.scale > 2 * END ? "ends" : "notes" };
  }

  private grip(at: Point, event: PointerEvent): Grip {
    const { surface } = this;
    const pane = at.y < surface.panes.roll.top ? surface.panes.sound : surface.panes.roll;
    const edge = EDGE[event.pointerType as keyof typeof EDGE] ?? EDGE.mouse;
    return gripOf(at.x, at.y, surface.view, pane, surface.regions, surface.chosen, edge);
  }

  private move(event: PointerEvent): void {
    const at = this.point(event);
    const before = this.fingers.get(event.pointerId);
    if (before && this.fingers.size === 2) return this.pinch(event.pointerId, before, at);
    if (this.gesture) this.apply(at, false);
    else this.canvas.style.cursor = this.cursor(at, event);
  }

  private up(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    if (!this.gesture) return;
    this.apply(this.point(event), true);
    this.gesture = null;
    this.surface.draft(null);
  }

  /** One of two fingers has moved: zoom around the middle of both, and scroll with it. */
  private pinch(finger: number, before: Point, at: Point): void {
    const [, other] = [...this.fingers].find(([each]) => each !== finger)!;
    const { view } = this.surface;
    const apart = Math.max(20, Math.abs(before.x - other.x));
    view.zoom(Math.max(20, Math.abs(at.x - other.x)) / apart, (at.x + other.x) / 2);
    view.scrollTo(view.start - (at.x - before.x) / 2 / view.scale);
    this.fingers.set(finger, at);
    this.surface.scroll();
  }

  private cursor(at: Point, event: PointerEvent): string {
    const { surface } = this;
    if (at.y > surface.height - BAR) return "default";
    if (at.y < RULER || at.x < 0) return "pointer";
    if (surface.tool === "select") return surface.noteAt(at.x, at.y) ? "move" : "default";
    if (surface.tool === "draw") return "crosshair";
    const grip = this.grip(at, event);
    if (grip.kind === "paint") return "crosshair";
    if (grip.kind === "move") return "move";
    if ((grip.left && grip.top) || (grip.right && grip.bottom)) return "nwse-resize";
    if ((grip.left && grip.bottom) || (grip.right && grip.top)) return "nesw-resize";
    return grip.left || grip.right ? "ew-resize" : "ns-resize";
  }

  private apply(at: Point, done: boolean): void {
    const { surface, from } = this;
    const gesture = this.gesture!;
    const seconds = at.second - from.second;
    if (gesture.kind === "seek") surface.seek(at.second);
    else if (gesture.kind === "scroll") this.scroll(at);
    else if (gesture.kind === "keys") surface.press(done ? null : at.pitch);
    else if (gesture.kind === "paint") this.paint(at, done);
    else if (gesture.kind === "move") {
      const by = surface.snap(gesture.region.t0 + seconds) - gesture.region.t0;
      if (at.x !== from.x || at.y !== from.y) {
        surface.change(gesture.index, moved(gesture.region, by, at.pitch - from.pitch, surface.seconds), done);
      }
    } else if (gesture.kind === "resize") this.resize(gesture, at, done);
    else if (gesture.kind === "notes") surface.drag(seconds, at.pitch - from.pitch, done);
    else if (gesture.kind === "ends") surface.stretch(seconds, done);
    else if (gesture.kind === "lasso") this.lasso(at, done);
    else if (done) this.write(at);
    else surface.draft({ ...this.span(at), high: from.pitch });
  }

  private scroll(at: Point): void {
    const { view } = this.surface;
    const whole = Math.max(view.seconds, view.end - view.start);
    view.scrollTo((at.x / view.width) * whole - (view.end - view.start) / 2);
    this.surface.scroll();
  }

  private span(at: Point): Region {
    const { surface, from } = this;
    const [t0, t1] = [surface.snap(from.second), surface.snap(at.second)];
    return { t0, t1, low: from.pitch, high: at.pitch, hear: false };
  }

  private paint(at: Point, done: boolean): void {
    const far = Math.abs(at.x - this.from.x) > 4;
    const region = far ? fitted(this.span(at), this.surface.seconds) : null;
    if (!done) this.surface.draft(region);
    else if (region) this.surface.add(region);
    else this.surface.choose(-1);
  }

  private resize(grip: Grip & { kind: "resize" }, at: Point, done: boolean): void {
    const { surface } = this;
    const { region } = grip;
    const second = surface.snap(at.second);
    const changed = fitted(
      {
        ...region,
        t0: grip.left ? Math.min(second, region.t1 - SHORTEST) : region.t0,
        t1: grip.right ? Math.max(second, region.t0 + SHORTEST) : region.t1,
        high: grip.top ? Math.max(at.pitch, region.low) : region.high,
        low: grip.bottom ? Math.min(at.pitch, region.high) : region.low,
      },
      surface.seconds,
    );
    if (changed) surface.change(grip.index, changed, done);
  }

  private lasso(at: Point, done: boolean): void {
    const far = Math.abs(at.x - this.from.x) > 4;
    const region = far ? fitted({ ...this.span(at), t0: this.from.second, t1: at.second }, Infinity) : null;
    if (!done) this.surface.draft(region);
    else if (region) this.surface.selectIn(region);
  }

  private write(at: Point): void {
    const { surface, from } = this;
    const t = Math.max(0, surface.snap(Math.min(from.second, at.second)));
    const duration = Math.max(surface.snap(Math.max(from.second, at.second)) - t, 0.1);
    surface.write({ pitch: from.pitch, t, duration });
  }
}
