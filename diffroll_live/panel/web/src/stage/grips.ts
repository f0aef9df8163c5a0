// By what a pointer takes a region: an edge, a corner, the inside; or none, and it paints a new one.

import type { Region } from "../work/doc.js";
import type { Pane, View } from "./view.js";

export type Grip =
  | { kind: "paint" }
  | { kind: "move"; index: number; region: Region }
  | { kind: "resize"; index: number; region: Region; left: boolean; right: boolean; top: boolean; bottom: boolean };

/** The region under a point, the chosen one first; `edge` is how many pixels off an edge still takes it. */
export function gripOf(
  x: number,
  y: number,
  view: View,
  pane: Pane,
  regions: readonly Region[],
  chosen: number,
  edge: number,
): Grip {
  const order = [...regions.keys()].sort((a, b) => Number(b === chosen) - Number(a === chosen) || b - a);
  for (const index of order) {
    const region = regions[index]!;
    const [x0, x1] = [view.x(region.t0), view.x(region.t1)];
    const [y0, y1] = [view.y(region.high, pane), view.y(region.low, pane) + view.rowHeight(pane)];
    if (x < x0 - edge || x > x1 + edge || y < y0 - edge || y > y1 + edge) continue;
    const left = Math.abs(x - x0) <= edge;
    const right = !left && Math.abs(x - x1) <= edge;
    const top = Math.abs(y - y0) <= edge;
    const bottom = !top && Math.abs(y - y1) <= edge;
    if (left || right || top || bottom) return { kind: "resize", index, region, left, right, top, bottom };
    return { kind: "move", index, region };
  }
  return { kind: "paint" };
}
