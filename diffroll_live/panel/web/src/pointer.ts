// What the mouse, the pen and fingers do in the roll: paint, move and resize regions; select, move and draw notes.

import { type Note, type Region, SHORTEST, fitted, moved } from "./doc.js";
import { KEYS, type Panes, RULER } from "./draw.js";
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
  snap(second: number): number;
  noteAt(x: number, y: number): Note | null;
  seek(second: number): void;
  choose(index: number): void;
  draft(region: Region | null): void;
  add(region: Region): void;
  change(index: number, region: Region, done: boolean): void;
  select(note: Note | null, more: boolean): void;
  selectIn(region: Region): void;
  drag(seconds: number, pitches: number, done: boolean): void;
  write(note: Note): void;
}

type Gesture =
  | { kind: "seek" }
  | { kind: "paint" }
  | { kind: "move"; index: number; region: Region }
  | { kind: "resize"; index: number; region: Region; left: boolean; right: boolean; top: boolean; bottom: boolean }
  | { kind: "notes" }
  | { kind: "lasso" }
  | { kind: "write" };

const EDGE = 7; // pixels

interface Point {
  x: number;
  y: number;
  second: number;
  pitch: number;
}

export class Pointer {
  private gesture: Gesture | null = null;
  private from: Point = { x: 0, y: 0, second: 0, pitch: 60 };

  constructor(private canvas: HTMLCanvasElement, private surface: Surface) {
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => this.cancel());
  }

  /** Give up a gesture, as Escape does. */
  cancel(): void {
    this.gesture = null;
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
    const at = (this.from = this.point(event));
    const { surface } = this;
    this.canvas.setPointerCapture(event.pointerId);
    if (at.y < RULER) {
      this.gesture = { kind: "seek" };
      surface.seek(at.second);
    } else if (surface.tool === "region") {
      this.gesture = this.grip(at);
      if (this.gesture.kind !== "paint") surface.choose((this.gesture as { index: number }).index);
    } else if (surface.tool === "draw") {
      this.gesture = { kind: "write" };
    } else {
      const note = surface.noteAt(at.x, at.y);
      surface.select(note, event.shiftKey);
      this.gesture = note ? { kind: "notes" } : { kind: "lasso" };
    }
  }

  /** The region under the pointer, by its edge or its inside; a new one where there is none. */
  private grip(at: Point): Gesture {
    const { view, panes, regions, chosen } = this.surface;
    const pane = at.y < panes.roll.top ? panes.sound : panes.roll;
    const order = [...regions.keys()].sort((a, b) => Number(b === chosen) - Number(a === chosen) || b - a);
    for (const index of order) {
      const region = regions[index]!;
      const [x0, x1] = [view.x(region.t0), view.x(region.t1)];
      const [y0, y1] = [view.y(region.high, pane), view.y(region.low, pane) + view.rowHeight(pane)];
      if (at.x < x0 - EDGE || at.x > x1 + EDGE || at.y < y0 - EDGE || at.y > y1 + EDGE) continue;
      const left = Math.abs(at.x - x0) <= EDGE;
      const right = !left && Math.abs(at.x - x1) <= EDGE;
      const top = Math.abs(at.y - y0) <= EDGE;
      const bottom = !top && Math.abs(at.y - y1) <= EDGE;
      if (left || right || top || bottom) return { kind: "resize", index, region, left, right, top, bottom };
      return { kind: "move", index, region };
    }
    return { kind: "paint" };
  }

  private move(event: PointerEvent): void {
    const at = this.point(event);
    if (!this.gesture) {
      this.canvas.style.cursor = this.cursor(at);
      return;
    }
    this.apply(at, false);
  }

  private cursor(at: Point): string {
    if (at.y < RULER) return "ew-resize";
    if (this.surface.tool !== "region") return this.surface.tool === "draw" ? "crosshair" : "default";
    const grip = this.grip(at);
    if (grip.kind === "move") return "grab";
    if (grip.kind !== "resize") return "crosshair";
    if (grip.left || grip.right) return grip.top || grip.bottom ? "nwse-resize" : "ew-resize";
    return "ns-resize";
  }

  private up(event: PointerEvent): void {
    if (!this.gesture) return;
    this.apply(this.point(event), true);
    this.gesture = null;
    this.surface.draft(null);
  }

  private apply(at: Point, done: boolean): void {
    const { surface, from } = this;
    const gesture = this.gesture!;
    if (gesture.kind === "seek") surface.seek(at.second);
    else if (gesture.kind === "paint") this.paint(at, done);
    else if (gesture.kind === "move") {
      const seconds = surface.snap(gesture.region.t0 + at.second - from.second) - gesture.region.t0;
      surface.change(gesture.index, moved(gesture.region, seconds, at.pitch - from.pitch, surface.seconds), done);
    } else if (gesture.kind === "resize") this.resize(gesture, at, done);
    else if (gesture.kind === "notes") surface.drag(at.second - from.second, at.pitch - from.pitch, done);
    else if (gesture.kind === "lasso") this.lasso(at, done);
    else if (done) this.write(at);
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

  private resize(gesture: Gesture & { kind: "resize" }, at: Point, done: boolean): void {
    const { surface } = this;
    const { region } = gesture;
    const second = surface.snap(at.second);
    const changed = fitted(
      {
        t0: gesture.left ? Math.min(second, region.t1 - SHORTEST) : region.t0,
        t1: gesture.right ? Math.max(second, region.t0 + SHORTEST) : region.t1,
        high: gesture.top ? Math.max(at.pitch, region.low) : region.high,
        low: gesture.bottom ? Math.min(at.pitch, region.high) : region.low,
        hear: region.hear,
      },
      surface.seconds,
    );
    if (changed) surface.change(gesture.index, changed, done);
  }

  private lasso(at: Point, done: boolean): void {
    const region = fitted(this.span(at), this.surface.seconds);
    if (!done) this.surface.draft(region);
    else if (region) this.surface.selectIn(region);
  }

  private write(at: Point): void {
    const { surface, from } = this;
    const t = Math.max(0, surface.snap(Math.min(from.second, at.second)));
    const duration = Math.max(surface.snap(Math.max(from.second, at.second)) - t, 0.1);
    surface.write({ pitch: from.pitch, t, duration, velocity: 80 });
  }
}
