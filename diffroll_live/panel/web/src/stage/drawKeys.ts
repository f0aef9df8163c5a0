// The keys at the left of sound and roll, the Cs by their names.

import { isBlack, keyName } from "../work/piano.js";
import type { Colours } from "./colours.js";
import { KEYS } from "./scene.js";
import type { Pane, View } from "./view.js";

const LEGIBLE = 9; // pixels between two names at least

export function drawKeys(to: CanvasRenderingContext2D, view: View, pane: Pane, pressed: ReadonlySet<number>, colours: Colours): void {
  const height = view.rowHeight(pane);
  to.save();
  to.beginPath();
  to.rect(0, pane.top, KEYS - 2, pane.height);
  to.clip();
  to.font = "10px system-ui, sans-serif";
  to.textBaseline = "middle";
  to.textAlign = "right";
  to.fillStyle = colours.white;
  to.fillRect(0, pane.top, KEYS, pane.height);
  for (let pitch = view.low; pitch <= view.high; pitch++) {
    const y = view.y(pitch, pane);
    const black = isBlack(pitch);
    if (black || pressed.has(pitch)) {
      to.fillStyle = pressed.has(pitch) ? colours.commit[0] : colours.ebony;
      to.fillRect(0, y, black ? KEYS * 0.5 : KEYS, height + 0.4);
    }
    if (pitch % 12 !== 0) continue;
    to.fillStyle = colours.text;
    to.globalAlpha = 0.6;
    to.fillRect(0, Math.round(y + height), KEYS - 2, 1);
    to.globalAlpha = 1;
    if (12 * height < LEGIBLE) continue;
    to.fillStyle = colours.keyText;
    const middle = Math.min(Math.max(y + height / 2, pane.top + 6), pane.top + pane.height - 6);
    to.fillText(keyName(pitch), KEYS - 6, middle);
  }
  to.restore();
}
