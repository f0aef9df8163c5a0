// Notes as bars with a bright onset: those that were there, that were written, that are locked; and live ones by lane.

import type { LiveNote } from "../daemon/live.js";
import { type Note, notesOf } from "../work/doc.js";
import type { Colours, NoteColours } from "./colours.js";
import type { Scene } from "./scene.js";
import type { Pane, View } from "./view.js";

const LONGEST = 120; // s that a note is looked for before the left edge

type Bar = Pick<Note, "pitch" | "t" | "duration">;

export function drawNotes(to: CanvasRenderingContext2D, view: View, pane: Pane, scene: Scene, colours: Colours): void {
  const notes = notesOf(scene.doc);
  for (let index = firstAfter(notes, view.start - LONGEST); index < notes.length; index++) {
    const note = notes[index]!;
    if (note.t > view.end) break; // they are sorted
    if (note.t + note.duration < view.start) continue;
    const colour = note.locked ? colours.locked : note.fresh ? colours.written : colours.kept;
    to.globalAlpha = note.locked ? 1 : 0.5 + 0.5 * (note.velocity / 127);
    bar(to, view, pane, note, colour);
    to.globalAlpha = 1;
    if (scene.selected.has(note)) outline(to, view, pane, note, colours.selected);
  }
}

export function drawLiveNotes(
  to: CanvasRenderingContext2D,
  view: View,
  pane: Pane,
  notes: readonly LiveNote[],
  now: number,
  colours: Colours,
): void {
  for (const note of notes) {
    const duration = note.duration > 0 ? note.duration : Math.max(0.05, now - note.t);
    if (note.t > view.end || note.t + duration < view.start) continue;
    bar(to, view, pane, { ...note, duration }, colours[note.lane]);
  }
}

/** The index of the first of sorted notes that begins after a time. */
export function firstAfter(notes: readonly Note[], second: number): number {
  let [low, high] = [0, notes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (notes[middle]!.t < second) low = middle + 1;
    else high = middle;
  }
  return low;
}

function place(view: View, pane: Pane, note: Bar): [number, number, number, number] {
  const height = Math.max(3, view.rowHeight(pane) - 1);
  return [view.x(note.t), view.y(note.pitch, pane), Math.max(2, note.duration * view.scale - 1), height];
}

function bar(to: CanvasRenderingContext2D, view: View, pane: Pane, note: Bar, [fill, onset]: NoteColours): void {
  const [x, y, width, height] = place(view, pane, note);
  to.fillStyle = fill;
  to.fillRect(x, y, width, height);
  to.fillStyle = onset;
  to.fillRect(x, y, Math.min(2, width), height);
}

function outline(to: CanvasRenderingContext2D, view: View, pane: Pane, note: Bar, colour: string): void {
  const [x, y, width, height] = place(view, pane, note);
  to.strokeStyle = colour;
  to.lineWidth = 1.5;
  to.strokeRect(x - 0.75, y - 0.75, width + 1.5, height + 1.5);
}
