// Pictures as they arrive, coloured once, in strips of canvas that are drawn at any scale.

import type { Tile } from "./connection.js";
import type { Pane, View } from "./view.js";
import { LOW_PITCH } from "./view.js";

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

export class Picture {
  readonly levels: Uint8Array; // frame by frame, from the lowest row up
  private strips: (HTMLCanvasElement | null)[] = [];

  constructor(readonly rows: number, readonly rate: number, readonly frames: number) {
    this.levels = new Uint8Array(rows * frames);
  }

  put(tile: Tile): void {
    this.levels.set(tile.levels.subarray(0, this.levels.length - tile.first * this.rows), tile.first * this.rows);
    const last = Math.floor((tile.first + tile.levels.length / this.rows) / STRIP);
    for (let strip = Math.floor(tile.first / STRIP); strip <= last; strip++) this.strips[strip] = null;
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

/** The pictures of the document: its spectrogram, its posteriorgram, and the steps of the sampling that led to it. */
export class Pictures {
  spectrogram: Picture | null = null;
  posterior: Picture | null = null;
  trajectory: Picture[] = [];

  clear(): void {
    this.spectrogram = null;
    this.forgetJob();
  }

  forgetJob(): void {
    this.posterior = null;
    this.trajectory = [];
  }

  put(tile: Tile): void {
    const fits = (old: Picture | null | undefined) =>
      old?.frames === tile.frames && old.rows === tile.rows ? old : new Picture(tile.rows, tile.rate, tile.frames);
    if (tile.kind === "spectrogram") (this.spectrogram = fits(this.spectrogram)).put(tile);
    else if (tile.kind === "posterior") (this.posterior = fits(this.posterior)).put(tile);
    else (this.trajectory[tile.step] = fits(this.trajectory[tile.step])).put(tile);
  }

  recolour(): void {
    for (const picture of [this.spectrogram, this.posterior, ...this.trajectory]) picture?.recolour();
  }
}
