// Painted regions: dashed where the model does not hear, whole where it does, with handles on the chosen one.

import type { Region } from "../work/doc.js";
import type { Colours } from "./colours.js";
import type { Scene } from "./scene.js";
import type { Pane, View } from "./view.js";

export function drawRegions(
  to: CanvasRenderingContext2D,
  view: View,
  pane: Pane,
  scene: Scene,
  colours: Colours,
  tint: number,
  gripped = false,
): void {
  scene.doc.regions.forEach((region, index) => {
    const chosen = index === scene.region;
    const colour = region.hear ? colours.heard : colours.hidden;
    box(to, view, pane, region, colour, chosen ? 1.7 * tint : tint);
    if (gripped && chosen) handles(to, view, pane, region, colour);
  });
  if (scene.draft) box(to, view, pane, scene.draft, colours.hidden, 1.7 * tint);
}

function corners(view: View, pane: Pane, region: Region): [number, number, number, number] {
  const [x0, x1] = [view.x(region.t0), view.x(region.t1)];
  return [x0, view.y(region.high, pane), x1, view.y(region.low, pane) + view.rowHeight(pane)];
}

function box(to: CanvasRenderingContext2D, view: View, pane: Pane, region: Region, colour: string, alpha: number): void {
  const [x0, y0, x1, y1] = corners(view, pane, region);
  to.globalAlpha = alpha;
  to.fillStyle = colour;
  to.fillRect(x0, y0, x1 - x0, y1 - y0);
  to.globalAlpha = 0.9;
  to.strokeStyle = colour;
  to.lineWidth = 1.5;
  to.setLineDash(region.hear ? [] : [5, 4]);
  to.strokeRect(x0, y0, x1 - x0, y1 - y0);
  to.setLineDash([]);
  to.globalAlpha = 1;
}

function handles(to: CanvasRenderingContext2D, view: View, pane: Pane, region: Region, colour: string): void {
  const [x0, y0, x1, y1] = corners(view, pane, region);
  to.fillStyle = colour;
  for (const x of [x0, x1]) for (const y of [y0, y1]) to.fillRect(x - 4, y - 4, 8, 8);
}
