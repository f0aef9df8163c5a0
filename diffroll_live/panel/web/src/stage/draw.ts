// Paints sound over notes on one canvas: a ruler, the spectrogram, the roll, the keys at the left, a scroll bar.

import { isBlack } from "../work/piano.js";
import type { Colours } from "./colours.js";
import { drawKeys } from "./drawKeys.js";
import { drawLiveNotes, drawNotes } from "./drawNotes.js";
import { drawRegions } from "./drawRegions.js";
import { drawRuler, gridLines } from "./drawRuler.js";
import { BAR, KEYS, type Scene, panesOf } from "./scene.js";
import type { Pane, View } from "./view.js";

export function draw(to: CanvasRenderingContext2D, height: number, view: View, scene: Scene, colours: Colours): void {
  const panes = panesOf(height);
  const lines = gridLines(view, scene.meter);
  to.fillStyle = colours.ground;
  to.fillRect(0, 0, view.width + KEYS, height);
  to.save();
  to.translate(KEYS, 0);
  clipped(to, view, panes.sound, () => {
    to.fillStyle = colours.black;
    to.fillRect(0, panes.sound.top, view.width, panes.sound.height);
    scene.sound?.draw(to, view, panes.sound, colours.spectrogram);
    drawRegions(to, view, panes.sound, scene, colours, 0.1);
  });
  clipped(to, view, panes.roll, () => {
    rows(to, view, panes.roll, colours);
    for (const { t, strong } of lines) {
      line(to, view, t, strong ? colours.strong : colours.line, panes.roll.top, panes.roll.top + panes.roll.height);
    }
    scene.behind?.draw(to, view, panes.roll, colours.likely);
    drawRegions(to, view, panes.roll, scene, colours, 0.13, true);
    drawNotes(to, view, panes.roll, scene, colours);
    if (scene.live) drawLiveNotes(to, view, panes.roll, scene.live, scene.playhead, colours);
  });
  drawRuler(to, view, lines, colours);
  playhead(to, view, scene.playhead, height - BAR, colours);
  scrollBar(to, view, height, colours);
  to.restore();
  for (const pane of [panes.sound, panes.roll]) drawKeys(to, view, pane, scene.pressed, colours);
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

function playhead(to: CanvasRenderingContext2D, view: View, second: number, bottom: number, colours: Colours): void {
  const x = Math.round(view.x(second));
  if (x < -6 || x > view.width + 6) return;
  to.fillStyle = colours.playhead;
  to.fillRect(x, 8, 1, bottom - 8);
  to.beginPath();
  to.moveTo(x - 5, 2);
  to.lineTo(x + 6, 2);
  to.lineTo(x + 0.5, 10);
  to.fill();
}

function scrollBar(to: CanvasRenderingContext2D, view: View, height: number, colours: Colours): void {
  const whole = Math.max(view.seconds, view.end - view.start);
  const [from, end] = [view.start / whole, Math.min(1, view.end / whole)];
  if (end - from > 0.999) return;
  to.fillStyle = colours.strong;
  to.beginPath();
  to.roundRect(from * view.width, height - BAR + 3, Math.max(24, (end - from) * view.width), BAR - 6, 3);
  to.fill();
}
