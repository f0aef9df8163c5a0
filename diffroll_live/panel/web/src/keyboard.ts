// Everything by keys alone. Letters act anywhere but in a field; arrows act on what is chosen in the roll.

import type { App } from "./app.js";
import { another } from "./controls.js";
import { fitted, moved } from "./doc.js";
import { button } from "./elements.js";
import type { Stage } from "./stage.js";

const STEP = 0.1; // s that an arrow moves a region

export function bindKeys(app: App, stage: Stage, canvas: HTMLCanvasElement): void {
  const tools = ["region", "select", "draw"] as const;
  const act = (id: string) => () => {
    if (!button(id).disabled) button(id).click();
  };
  const letters: Record<string, () => void> = {
    " ": () => app.togglePlay(),
    t: act("transcribe"),
    f: act("fill"),
    n: act("continue"),
    g: act("generate"),
    a: () => another(app),
    r: () => app.addRegionHere(),
    h: () => toggleHear(app),
    b: () => app.show(app.doc.shown + 1),
    "[": () => app.show(app.doc.shown - 1),
    "]": () => app.show(app.doc.shown + 1),
    "+": () => zoom(stage, 1.5),
    "-": () => zoom(stage, 1 / 1.5),
    delete: () => app.remove(),
    backspace: () => app.remove(),
    home: () => app.seek(0),
    escape: () => {
      stage.pointer.cancel();
      app.jobs.cancel();
    },
    ...Object.fromEntries(tools.map((tool, index) => [String(index + 1), () => choose(app, tool)])),
  };
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" && key !== "y") return;
      if (key === "y" || event.shiftKey) app.redo();
      else app.undo();
      event.preventDefault();
    } else if (!isField(event.target) && letters[key] && !pressesButton(event)) {
      letters[key]();
      event.preventDefault();
    }
  });
  canvas.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    arrow(app, stage, event);
  });
}

/** Whether keys belong to an element: text and numbers do; of a slider, only those that move it. */
function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && target.type !== "range" && target.type !== "checkbox"
    ? true
    : target instanceof HTMLSelectElement;
}

/** Space presses the button that has the focus, rather than play. */
function pressesButton(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  return event.key === " " && (target.matches("button, summary, a, input"));
}

function choose(app: App, tool: App["tool"]): void {
  app.tool = tool;
  app.say("");
}

function zoom(stage: Stage, factor: number): void {
  stage.view.zoom(factor, stage.view.width / 2);
  stage.invalidate();
}

function toggleHear(app: App): void {
  const region = app.doc.regions[app.region];
  if (region) app.changeRegion(app.region, { ...region, hear: !region.hear }, true);
}

/** Move the chosen region, resize it with Shift, or scroll where none is chosen. */
function arrow(app: App, stage: Stage, event: KeyboardEvent): void {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
  const region = app.doc.regions[app.region];
  if (!region) {
    app.seek(Math.max(0, app.player.position + dx! * STEP));
    return;
  }
  const changed = event.shiftKey
    ? fitted({ ...region, t1: Math.max(region.t0 + STEP, region.t1 + dx! * STEP), high: Math.max(region.low, region.high + dy!) }, app.doc.seconds)
    : moved(region, dx! * STEP, dy!, app.doc.seconds);
  if (changed) app.changeRegion(app.region, changed, !event.repeat);
  stage.invalidate();
}
