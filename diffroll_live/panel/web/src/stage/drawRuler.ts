// The lines of the grid and their names: bars and beats where these are known, seconds where they are not.

import { Meter } from "../work/meter.js";
import type { Colours } from "./colours.js";
import { RULER } from "./scene.js";
import { type View, clock, gridStep } from "./view.js";

export interface GridLine {
  t: number;
  label: string; // empty where the line has none
  strong: boolean;
}

const BEAT_PIXELS = 11; // that two lines of beats are apart at least
const LABEL_PIXELS = 40; // that two numbers of bars are apart at least

export function gridLines(view: View, meter: Meter | null): GridLine[] {
  if (!meter) return seconds(view);
  const { bpm, numerator, denominator } = meter.at(view.start);
  const beat = (60 / bpm) * (4 / denominator) * view.scale;
  const bar = beat * numerator;
  const every = 2 ** Math.max(0, Math.ceil(Math.log2(LABEL_PIXELS / bar)));
  return meter
    .lines(view.start, view.end, beat >= BEAT_PIXELS)
    .filter((line) => line.bar === 0 || bar >= BEAT_PIXELS || (line.bar - 1) % every === 0)
    .map(({ t, bar: number }) => ({ t, label: number > 0 && (number - 1) % every === 0 ? String(number) : "", strong: number !== 0 }));
}

function seconds(view: View): GridLine[] {
  const step = gridStep(view.scale);
  const lines: GridLine[] = [];
  for (let count = Math.ceil(view.start / step - 1e-6); count * step <= view.end; count++) {
    lines.push({ t: count * step, label: clock(count * step).replace(/\.00$/, ""), strong: true });
  }
  return lines;
}

export function drawRuler(to: CanvasRenderingContext2D, view: View, lines: readonly GridLine[], colours: Colours): void {
  to.save();
  to.beginPath();
  to.rect(0, 0, view.width, RULER);
  to.clip();
  to.font = "11px system-ui, sans-serif";
  to.textBaseline = "middle";
  for (const { t, label, strong } of lines) {
    const x = Math.round(view.x(t));
    to.fillStyle = strong ? colours.strong : colours.line;
    to.fillRect(x, label ? 6 : RULER - 6, 1, RULER);
    to.fillStyle = colours.text;
    if (label && x + 5 + to.measureText(label).width < view.width) to.fillText(label, x + 5, RULER / 2);
  }
  to.restore();
}
