// Pictures as they arrive, coloured once, in strips of canvas that are drawn at any scale.

import type { Tile } from "../wire/connection.js";
import { LOW_PITCH } from "../work/piano.js";
import type { Pane, View } from "./view.js";

const STRIP = 512; // frames

export type Palette = Uint32Array; // 256 colours, as ImageData holds them

/** A palette through the given colours, [level, r, g, b, a] with levels from 0 to 255. */
export function palette(stops: readonly (readonly [number, number, number, number, number])[]): Palette {
  const colours = new Uint8ClampedArray(1024);
  for (let level = 0; level < 256; level++) {
    const next = Math.max(1, stops.findIndex((stop) => stop[0] >= level));
    const [from, to] = [stops[next - 1]!, stops[next]!];
    const share = (level - from[0]) / (to[0] - from[0]);
    for (let part = 0; part < 4; part++) {
      colours[4 * level + part] = from[part + 1]! + share * (to[part + 1]! - from[part + 1]!);
    }
  }
  return new Uint32Array(colours.buffer);
}

/** Levels of `rows` rows for each of `frames` frames, from the lowest row up; grows with what is put into it. */
export class Picture {
  levels: Uint8Array;
  private strips: (HTMLCanvasElement | null)[] = [];

  constructor(readonly rows: number, readonly rate: number, public frames: number) {
    this.levels = new Uint8Array(rows * frames);
  }

  put(tile: Pick<Tile, "first" | "levels" | "frames">): void {
    this.grow(tile.frames);
    const at = tile.first * this.rows;
    this.levels.set(tile.levels.subarray(0, Math.max(0, this.rows * this.frames - at)), at);
    this.stale(tile.first, tile.first + tile.levels.length / this.rows);
  }

  clear(): void {
    this.levels.fill(0);
    this.recolour();
  }

  recolour(): void {
    this.strips = [];
  }

  draw(to: CanvasRenderingContext2D, view: View, pane: Pane, colours: Palette): void {
    const perKey = this.rows / 88;
    const top = view.y(LOW_PITCH + 87, pane);
    const height = 88 * view.rowHeight(pane);
    const first = Math.max(0, Math.floor((view.start * this.rate) / STRIP));
    const last = Math.min(Math.ceil(this.frames / STRIP) - 1, Math.floor((view.end * this.rate) / STRIP));
    to.imageSmoothingEnabled = perKey > 1;
    for (let strip = first; strip <= last; strip++) {
      const canvas = (this.strips[strip] ??= this.paint(strip, colours));
      const x = view.x((strip * STRIP) / this.rate);
      to.drawImage(canvas, x, top, (canvas.width / this.rate) * view.scale, height);
    }
  }

  private grow(frames: number): void {
    if (frames <= this.frames) return;
    this.stale(this.frames, frames);
    this.frames = frames;
    if (this.levels.length >= frames * this.rows) return;
    const larger = new Uint8Array(this.rows * Math.max(frames, Math.ceil(1.5 * (this.levels.length / this.rows))));
    larger.set(this.levels);
    this.levels = larger;
  }

  private stale(first: number, end: number): void {
    for (let strip = Math.floor(first / STRIP); strip <= Math.floor(end / STRIP); strip++) this.strips[strip] = null;
  }

  private paint(strip: number, colours: Palette): HTMLCanvasElement {
    const canvas = document.createElement("canvas");
    const from = strip * STRIP;
    canvas.width = Math.min(STRIP, this.frames - from);
    canvas.height = this.rows;
    const context = canvas.getContext("2d")!;
    const image = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let frame = 0; frame < canvas.width; frame++) {
      const base = (from + frame) * this.rows;
      for (let row = 0; row < this.rows; row++) {
        pixels[(this.rows - 1 - row) * canvas.width + frame] = colours[this.levels[base + row]!]!;
      }
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }
}

/** Put a tile into a picture, or into a new one where it does not fit. */
export function joined(old: Picture | null, tile: Tile): Picture {
  const picture = old?.rows === tile.rows && old.rate === tile.rate ? old : new Picture(tile.rows, tile.rate, tile.frames);
  picture.put(tile);
  return picture;
}
