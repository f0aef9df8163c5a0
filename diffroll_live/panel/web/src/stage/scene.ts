// What is to be drawn, and where on the canvas it lies.

import type { LiveNote } from "../daemon/live.js";
import type { Doc, Note, Region } from "../work/doc.js";
import type { Meter } from "../work/meter.js";
import type { Picture } from "./tiles.js";
import type { Pane } from "./view.js";

export const RULER = 24; // pixels
export const KEYS = 44;
export const BAR = 12; // the scroll bar
const GAP = 6;
const SOUND_SHARE = 0.36;

export interface Scene {
  doc: Doc;
  selected: ReadonlySet<Note>;
  region: number; // the one that is chosen, or -1
  draft: Region | null; // being painted
  playhead: number; // s
  sound: Picture | null;
  behind: Picture | null; // the notes
  meter: Meter | null;
  live: readonly LiveNote[] | null;
  pressed: ReadonlySet<number>; // keys
}

export interface Panes {
  sound: Pane;
  roll: Pane;
}

export function panesOf(height: number): Panes {
  const room = height - RULER - GAP - BAR;
  const sound = Math.round(room * SOUND_SHARE);
  return { sound: { top: RULER, height: sound }, roll: { top: RULER + sound + GAP, height: room - sound } };
}
