// The trajectory as a GIF: the roll as it emerged, step by step, and at last the notes.

import type { Trajectory } from "../stage/trajectory.js";
import type { Note } from "../work/doc.js";
import { HIGH_PITCH, LOW_PITCH, isBlack } from "../work/piano.js";
import { type Frame, gif } from "./gif.js";

const MAX_STEPS = 60;
const MAX_WIDTH = 1200; // pixels
const KEY = 4; // pixels
const [STEP, FEW_STEPS, LAST] = [10, 40, 250]; // hundredths of a second
const SHADES = 100; // of what is likely, on each of two grounds
const [NOTE, EDGE, LINE] = [2 * SHADES, 2 * SHADES + 1, 2 * SHADES + 2];

type Colour = readonly [number, number, number];
const GROUNDS: readonly Colour[] = [[15, 18, 23], [11, 13, 17]];
const LIKELY: Colour = [150, 196, 255];

/** Draw it; null where there is nothing to draw. */
export function animation(trajectory: Trajectory, notes: readonly Note[]): Blob | null {
  const { steps } = trajectory;
  const picture = trajectory.at(-1);
  if (!picture) return null;
  const perFrame = Math.max(1, Math.floor(MAX_WIDTH / picture.frames));
  const framesPer = Math.max(1, Math.ceil(picture.frames / MAX_WIDTH));
  const width = Math.floor(picture.frames / framesPer) * perFrame;
  const [low, high] = span(notes);
  const height = (high - low + 1) * KEY;
  const shown = [...new Set(Array.from({ length: Math.min(steps, MAX_STEPS) }, (_, n) => Math.round((n * (steps - 1)) / Math.max(1, Math.min(steps, MAX_STEPS) - 1))))];
  const frames: Frame[] = shown.map((step) => {
    const { levels } = trajectory.at(step)!;
    return { pixels: draw(levels, width, low, high, perFrame, framesPer), hundredths: shown.length > 12 ? STEP : FEW_STEPS };
  });
  const last = draw(trajectory.at(-1)!.levels, width, low, high, perFrame, framesPer);
  const scale = (picture.rate / framesPer) * perFrame;
  for (const note of notes) box(last, width, (high - note.pitch) * KEY, note.t * scale, (note.t + note.duration) * scale);
  frames.push({ pixels: last, hundredths: LAST });
  return new Blob([gif(width, height, colours(), frames)], { type: "image/gif" });
}

function draw(levels: Uint8Array, width: number, low: number, high: number, perFrame: number, framesPer: number): Uint8Array {
  const pixels = new Uint8Array(width * (high - low + 1) * KEY);
  for (let pitch = high; pitch >= low; pitch--) {
    const row = (high - pitch) * KEY;
    const ground = isBlack(pitch) ? SHADES : 0;
    for (let x = 0; x < width; x++) {
      const first = Math.floor(x / perFrame) * framesPer;
      let level = 0;
      for (let frame = first; frame < first + framesPer; frame++) level = Math.max(level, levels[frame * 88 + pitch - LOW_PITCH] ?? 0);
      const index = ground + Math.round((level / 255) * (SHADES - 1));
      for (let y = row; y < row + KEY; y++) pixels[y * width + x] = index;
    }
    if (pitch % 12 === 0) pixels.fill(LINE, (row + KEY - 1) * width, (row + KEY) * width);
  }
  return pixels;
}

function box(pixels: Uint8Array, width: number, top: number, from: number, to: number): void {
  const [x0, x1] = [Math.round(from), Math.min(width, Math.max(Math.round(from) + 2, Math.round(to)))];
  for (let y = top; y < top + KEY - 1; y++) {
    pixels.fill(NOTE, y * width + x0, y * width + x1);
    pixels[y * width + x0] = EDGE;
  }
}

/** Whole octaves that hold the notes. */
function span(notes: readonly Note[]): [number, number] {
  if (!notes.length) return [LOW_PITCH, HIGH_PITCH];
  const pitches = notes.map((note) => note.pitch);
  const low = Math.max(LOW_PITCH, 12 * Math.floor((Math.min(...pitches) - 3) / 12));
  return [low, Math.min(HIGH_PITCH, Math.max(low + 35, Math.max(...pitches) + 3))];
}

function colours(): Colour[] {
  const shades = GROUNDS.flatMap((ground) =>
    Array.from({ length: SHADES }, (_, index): Colour => {
      const share = 0.9 * (index / (SHADES - 1));
      const mix = (part: 0 | 1 | 2) => Math.round(ground[part] + share * (LIKELY[part] - ground[part]));
      return [mix(0), mix(1), mix(2)];
    }),
  );
  return [...shades, [88, 196, 184], [164, 236, 227], [28, 33, 42]];
}
