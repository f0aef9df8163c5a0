// Paints sound over notes on one canvas: a ruler, the spectrogram, the roll, and the keys at the left of both.

import type { Colours } from "./colours.js";
import { type Doc, type Note, type Region, notesOf } from "./doc.js";
import type { LiveNote } from "./live.js";
import type { Picture, Pictures } from "./tiles.js";
import { type Pane, type View, clock, gridStep, isBlack, keyName } from "./view.js";

export const RULER = 22; // pixels
export const KEYS = 44;
const GAP = 6;
const SOUND_SHARE = 0.36;

export interface Scene {
  doc: Doc;
  before: ReadonlySet<string>; // the notes that the last job did not write, by noteKey
  selected: ReadonlySet<Note>;
  region: number; // the one that is chosen, or -1
  draft: Region | null; // being painted
  playhead: number; // s
  pictures: Pictures;
  step: number; // of the trajectory that is shown; -1 is the posterior
  tempo: number; // 0 where it is unknown
  metre: [number, number];
  live: readonly LiveNote[] | null;
  levels: readonly number[]; // of a live input, ten a second, 0 to 1
}

export interface Panes {
  sound: Pane;
  roll: Pane;
}

export function noteKey(note: Note): string {
  return `${note.pitch} ${note.t.toFixed(4)}`;
}

export function panesOf(height: number): Panes {
  const room = height - RULER - GAP;
  const sound = Math.round(room * SOUND_SHARE);
  return { sound: { top: RULER, height: sound }, roll: { top: RULER + sound + GAP, height: room - sound } };
}

export function draw(to: CanvasRenderingContext2D, height: number, view: View, scene: Scene, colours: Colours): void {
  const panes = panesOf(height);
  to.fillStyle = colours.ground;
  to.fillRect(0, 0, view.width + KEYS, height);
  to.save();
  to.translate(KEYS, 0);
  ruler(to, view, scene, colours, height);
  clipped(to, view, panes.sound, () => sound(to, view, panes.sound, scene, colours));
  clipped(to, view, panes.roll, () => roll(to, view, panes.roll, scene, colours));
  line(to, view, scene.playhead, colours.playhead, 0, height);
  to.restore();
  for (const pane of [panes.sound, panes.roll]) keys(to, view, pane);
}

function clipped(to: CanvasRenderingContext2D, view: View, pane: Pane, paint: () => void): void {
  to.save();
  to.beginPath();
  to.rect(0, pane.top, view.width, pane.height);
  to.clip();
  paint();
  to.restore();
}

function line(to: CanvasRenderingContext2D, view: View, second: number, colour: string, top: number, end: number): void {
  to.fillStyle = colour;
  to.fillRect(Math.round(view.x(second)), top, 1, end - top);
}

/** The lines of the grid: bars and beats where the tempo is known, seconds where it is not. */
function* gridLines(view: View, scene: Scene): Generator<[number, string, boolean]> {
  const beat = scene.tempo > 0 ? (60 / scene.tempo) * (4 / scene.metre[1]) : 0;
  if (beat && beat * view.scale > 9) {
    for (let count = Math.ceil(view.start / beat); count * beat <= view.end; count++) {
      const first = count % scene.metre[0] === 0;
      yield [count * beat, first ? String(count / scene.metre[0] + 1) : "", first];
    }
    return;
  }
  const step = gridStep(view.scale);
  for (let count = Math.ceil(view.start / step); count * step <= view.end; count++) {
    yield [count * step, clock(count * step).replace(/\.00$/, ""), true];
  }
}

function ruler(to: CanvasRenderingContext2D, view: View, scene: Scene, colours: Colours, height: number): void {
  to.font = "11px system-ui, sans-serif";
  to.textBaseline = "middle";
  for (const [second, label, strong] of gridLines(view, scene)) {
    line(to, view, second, strong ? colours.strong : colours.line, label ? 6 : RULER - 6, height);
    to.fillStyle = colours.text;
    to.fillText(label, view.x(second) + 4, RULER / 2);
  }
}

function sound(to: CanvasRenderingContext2D, view: View, pane: Pane, scene: Scene, colours: Colours): void {
  to.fillStyle = colours.black;
  to.fillRect(0, pane.top, view.width, pane.height);
  scene.pictures.spectrogram?.draw(to, view, pane, colours.spectrogram);
  to.fillStyle = colours.commit;
  scene.levels.forEach((level, index) => {
    const size = level * pane.height * 0.9;
    to.fillRect(view.x(index / 10), pane.top + (pane.height - size) / 2, Math.max(1, view.scale / 10 - 1), Math.max(1, size));
  });
  for (const region of scene.doc.regions) box(to, view, pane, region, region.hear ? colours.heard : colours.hidden, 0.1);
}

function roll(to: CanvasRenderingContext2D, view: View, pane: Pane, scene: Scene, colours: Colours): void {
  rows(to, view, pane, colours);
  for (const [second, , strong] of gridLines(view, scene)) {
    line(to, view, second, strong ? colours.strong : colours.line, pane.top, pane.top + pane.height);
  }
  const shown: Picture | null | undefined =
    scene.step < 0 ? scene.pictures.posterior : scene.pictures.trajectory[scene.step];
  shown?.draw(to, view, pane, colours.posterior);
  scene.doc.regions.forEach((region, index) => {
    const colour = region.hear ? colours.heard : colours.hidden;
    box(to, view, pane, region, colour, index === scene.region ? 0.24 : 0.13);
    if (index === scene.region) handles(to, view, pane, region, colour);
  });
  if (scene.draft) box(to, view, pane, scene.draft, colours.hidden, 0.24);
  notes(to, view, pane, scene, colours);
  for (const note of scene.live ?? []) {
    const end = note.duration > 0 ? note.duration : Math.max(0.05, scene.playhead - note.t);
    bar(to, view, pane, { ...note, duration: end }, colours[note.lane], colours.ground);
  }
}

function rows(to: CanvasRenderingContext2D, view: View, pane: Pane, colours: Colours): void {
  const height = view.rowHeight(pane);
  for (let pitch = view.low; pitch <= view.high; pitch++) {
    to.fillStyle = isBlack(pitch) ? colours.black : colours.ground;
    to.fillRect(0, view.y(pitch, pane), view.width, height + 0.5);
    if (pitch % 12 === 0) {
      to.fillStyle = colours.line;
      to.fillRect(0, Math.round(view.y(pitch, pane) + height), view.width, 1);
    }
  }
}

function box(to: CanvasRenderingContext2D, view: View, pane: Pane, region: Region, colour: string, alpha: number): void {
  const [x, top] = [view.x(region.t0), view.y(region.high, pane)];
  const [width, height] = [view.x(region.t1) - x, view.y(region.low, pane) + view.rowHeight(pane) - top];
  to.globalAlpha = alpha;
  to.fillStyle = colour;
  to.fillRect(x, top, width, height);
  to.globalAlpha = 0.9;
  to.strokeStyle = colour;
  to.lineWidth = 1.5;
  to.setLineDash(region.hear ? [] : [5, 4]);
  to.strokeRect(x, top, width, height);
  to.setLineDash([]);
  to.globalAlpha = 1;
}

function handles(to: CanvasRenderingContext2D, view: View, pane: Pane, region: Region, colour: string): void {
  to.fillStyle = colour;
  for (const x of [view.x(region.t0), view.x(region.t1)]) {
    for (const y of [view.y(region.high, pane), view.y(region.low, pane) + view.rowHeight(pane)]) {
      to.fillRect(x - 4, y - 4, 8, 8);
    }
  }
}

function notes(to: CanvasRenderingContext2D, view: View, pane: Pane, scene: Scene, colours: Colours): void {
  for (const note of notesOf(scene.doc)) {
    if (note.t > view.end) break; // they are sorted
    if (note.t + note.duration < view.start) continue;
    const [fill, edge] = scene.before.has(noteKey(note)) ? colours.kept : colours.written;
    to.globalAlpha = 0.55 + 0.45 * (note.velocity / 127);
    bar(to, view, pane, note, fill, scene.selected.has(note) ? colours.selected : edge);
  }
  to.globalAlpha = 1;
}

function bar(
  to: CanvasRenderingContext2D,
  view: View,
  pane: Pane,
  note: { pitch: number; t: number; duration: number },
  fill: string,
  edge: string,
): void {
  const height = Math.max(3, view.rowHeight(pane) - 0.5);
  const x = view.x(note.t);
  const width = Math.max(2, note.duration * view.scale - 1);
  const y = view.y(note.pitch, pane);
  to.fillStyle = fill;
  to.fillRect(x, y, width, height);
  to.fillStyle = edge;
  to.fillRect(x, y, 2, height); // the onset
}

function keys(to: CanvasRenderingContext2D, view: View, pane: Pane): void {
  const height = view.rowHeight(pane);
  to.save();
  to.beginPath();
  to.rect(0, pane.top, KEYS, pane.height);
  to.clip();
  to.font = "10px system-ui, sans-serif";
  to.textBaseline = "middle";
  to.fillStyle = "#e9ebee";
  to.fillRect(0, pane.top, KEYS - 2, pane.height);
  for (let pitch = view.low; pitch <= view.high; pitch++) {
    const y = view.y(pitch, pane);
    to.fillStyle = "#2a303b";
    if (isBlack(pitch)) to.fillRect(0, y, KEYS * 0.55, height + 0.4);
    if (pitch % 12 !== 0) continue;
    to.fillStyle = "#98a2b0";
    to.fillRect(0, Math.round(y + height), KEYS - 2, 1);
    to.fillStyle = "#39414d";
    to.fillText(keyName(pitch), KEYS - 19, y + height / 2 - 1);
  }
  to.restore();
}
