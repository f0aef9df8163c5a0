// Where seconds and pitches are on the screen. Pure arithmetic; the spectrogram and the roll share one view.

import { HIGH_PITCH, LOW_PITCH } from "../work/piano.js";

const CLOSEST = 2000; // pixels a second
const FEWEST_KEYS = 40; // that are shown at once to begin with
const LEAST_KEYS = 12; // at the closest

export interface Pane {
  top: number;
  height: number;
}

export class View {
  start = 0; // the second at the left edge
  width = 1; // pixels
  scale = 100; // pixels a second
  low = LOW_PITCH;
  high = HIGH_PITCH;

  constructor(public seconds = 10) {}

  get end(): number {
    return this.start + this.width / this.scale;
  }

  x(second: number): number {
    return (second - this.start) * this.scale;
  }

  second(x: number): number {
    return this.start + x / this.scale;
  }

  /** The upper edge of a key's row; its height is rowHeight. */
  y(pitch: number, pane: Pane): number {
    return pane.top + (this.high - pitch) * this.rowHeight(pane);
  }

  pitch(y: number, pane: Pane): number {
    const row = Math.floor((y - pane.top) / this.rowHeight(pane));
    return Math.max(LOW_PITCH, Math.min(HIGH_PITCH, this.high - row));
  }

  rowHeight(pane: Pane): number {
    return pane.height / (this.high - this.low + 1);
  }

  fit(seconds: number): void {
    this.seconds = seconds;
    this.scale = Math.min(CLOSEST, this.width / Math.max(seconds, 0.1));
    this.start = 0;
  }

  /** Show the keys of these pitches, and some around them. */
  fitPitches(pitches: readonly number[]): void {
    if (!pitches.length) return;
    const [low, high] = [Math.min(...pitches), Math.max(...pitches)];
    const spare = Math.max(5, Math.ceil((FEWEST_KEYS - (high - low)) / 2));
    this.low = Math.max(LOW_PITCH, Math.min(low - spare, HIGH_PITCH - FEWEST_KEYS));
    this.high = Math.min(HIGH_PITCH, Math.max(high + spare, LOW_PITCH + FEWEST_KEYS));
  }

  /** Show fewer or more keys, around the one that is looked at. */
  zoomPitches(keys: number, around: number): void {
    const count = Math.max(LEAST_KEYS, Math.min(HIGH_PITCH - LOW_PITCH + 1, this.high - this.low + 1 + keys));
    const share = Math.max(0, Math.min(1, (around - this.low) / Math.max(1, this.high - this.low)));
    this.low = Math.round(Math.max(LOW_PITCH, Math.min(around - share * (count - 1), HIGH_PITCH - count + 1)));
    this.high = this.low + count - 1;
  }

  scrollPitches(keys: number): void {
    const by = Math.max(LOW_PITCH - this.low, Math.min(Math.round(keys), HIGH_PITCH - this.high));
    this.low += by;
    this.high += by;
  }

  /** Multiply the scale, and keep the second under `x` where it is. */
  zoom(factor: number, x: number): void {
    const fixed = this.second(x);
    const widest = this.width / Math.max(this.seconds, 0.1);
    this.scale = Math.max(Math.min(widest, CLOSEST), Math.min(CLOSEST, this.scale * factor));
    this.scrollTo(fixed - x / this.scale);
  }

  scrollTo(start: number): void {
    this.start = Math.max(0, Math.min(start, this.seconds - this.width / this.scale));
  }

  resize(width: number): void {
    const whole = this.width / this.scale >= this.seconds - 1e-6;
    this.width = Math.max(1, width);
    if (whole) this.fit(this.seconds);
    else this.scrollTo(this.start);
  }
}

/** Seconds between two lines of a grid that stand at least `pixels` apart. */
export function gridStep(scale: number, pixels = 70): number {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300];
  return steps.find((step) => step * scale >= pixels) ?? 600;
}

export function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}

/** Minutes and whole seconds, for a length that is only to be known roughly. */
export function length(seconds: number): string {
  return clock(Math.round(seconds)).replace(/\.\d+$/, "");
}
