// Everything by keys alone. Letters act anywhere but in a field; arrows act on what is chosen in the roll.

import type { App } from "../app.js";
import type { Stage } from "../stage/stage.js";
import { fitted, moved } from "../work/doc.js";
import { DIVISIONS } from "../work/meter.js";
import { button, click, element, make } from "./elements.js";
import { chooseTool } from "./toolbar.js";

const STEP = 0.1; // s that an arrow moves by, where no grid is snapped to
const ZOOM = 1.5;

interface Key {
  keys: string[]; // as KeyboardEvent names them, lower case
  shown: string;
  what: string;
  act: () => void;
}

export function bindKeys(app: App, stage: Stage, canvas: HTMLCanvasElement): void {
  const keys = table(app, stage);
  const byKey = new Map(keys.flatMap((key) => key.keys.map((name): [string, Key] => [name, key])));
  document.addEventListener("keydown", (event) => {
    const name = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    if (command && (name === "z" || name === "y")) {
      app.travel((steps) => (name === "y" || event.shiftKey ? steps.redo() : steps.undo()));
      event.preventDefault();
    } else if (command && name === "a" && !isField(event.target)) {
      app.editing.selectThose(app.doc.variations[app.doc.shown] ?? []);
      event.preventDefault();
    } else if (!command && !event.altKey && byKey.has(name) && !isField(event.target) && !belongs(event)) {
      byKey.get(name)!.act();
      event.preventDefault();
    }
  });
  canvas.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    arrow(app, event);
    stage.invalidate();
  });
  const dialog = element<HTMLDialogElement>("keys");
  element("keyList").append(...[...keys, ...MORE].flatMap(({ shown, what }) => {
    const name = make("dt");
    name.append(make("kbd", shown));
    return [name, make("dd", what)];
  }));
  click("help", () => dialog.showModal());
}

const MORE = [
  { shown: "Arrows", what: "move what is chosen, or the playhead" },
  { shown: "Shift Arrows", what: "change its length, or a region's pitches" },
  { shown: "Ctrl Z, Ctrl Y", what: "undo, redo" },
  { shown: "Ctrl A", what: "select all notes" },
];

function table(app: App, stage: Stage): Key[] {
  const { editing } = app;
  const press = (id: string) => () => {
    if (!button(id).disabled) button(id).click();
  };
  const zoom = (factor: number) => () => {
    stage.view.zoom(factor, stage.view.width / 2);
    stage.invalidate();
  };
  const page = (by: number) => () => {
    stage.view.scrollTo(stage.view.start + by * (stage.view.end - stage.view.start));
    stage.invalidate();
  };
  const key = (keys: string | string[], shown: string, what: string, act: () => void): Key => ({ keys: [keys].flat(), shown, what, act });
  return [
    key(" ", "Space", "play", () => app.togglePlay()),
    key("t", "T", "transcribe", press("transcribe")),
    key("f", "F", "fill the regions", press("fill")),
    key("n", "N", "continue", press("continue")),
    key("g", "G", "generate", press("generate")),
    key("a", "A", "another: a new seed", press("another")),
    key(["b", "]"], "B", "next variation, A to B", () => app.show(app.doc.shown + 1)),
    key("[", "[", "variation before", () => app.show(app.doc.shown - 1)),
    key("r", "R", "add a region", () => editing.addRegionHere()),
    key("h", "H", "hear or hide its sound", () => editing.toggleHear()),
    key("e", "E", "choose the next region", () => editing.choose(app.doc.regions.length ? (app.region + 1) % app.doc.regions.length : -1)),
    key("1", "1", "paint regions", () => chooseTool(app, "region")),
    key("2", "2", "select notes", () => chooseTool(app, "select")),
    key("3", "3", "draw notes", () => chooseTool(app, "draw")),
    key(",", ",", "select the note before", () => editing.selectNext(-1)),
    key(".", ".", "select the next note", () => editing.selectNext(1)),
    key("d", "D", "draw a note at the playhead", () => editing.writeHere()),
    key("l", "L", "lock or unlock notes", () => editing.toggleLock()),
    key(["delete", "backspace"], "Delete", "delete what is chosen", () => editing.remove()),
    key("s", "S", "snap to another grid", () => nextDivision(app)),
    key("+", "+", "closer", zoom(ZOOM)),
    key("-", "−", "further", zoom(1 / ZOOM)),
    key("pageup", "Page ↑", "scroll back", page(-0.8)),
    key("pagedown", "Page ↓", "scroll on", page(0.8)),
    key("home", "Home", "to the beginning", () => app.seek(0)),
    key("end", "End", "to the end", () => app.seek(app.doc.seconds)),
    key("escape", "Esc", "cancel, choose nothing", () => escape(app, stage)),
    key("?", "?", "these keys", () => element<HTMLDialogElement>("keys").showModal()),
  ];
}

function escape(app: App, stage: Stage): void {
  stage.pointer.cancel();
  app.jobs.cancel();
  app.editing.choose(-1);
}

function nextDivision(app: App): void {
  const names = ["off", ...Object.keys(DIVISIONS)];
  app.division = names[(names.indexOf(app.division) + 1) % names.length]!;
  app.say(app.division === "off" ? "Nothing snaps." : `Snapping to ${app.division}${app.meter ? "" : ", once the tempo is known"}.`);
}

/** Whether keys belong to an element: text and numbers do; of a slider, only those that move it. */
function isField(target: EventTarget | null): boolean {
  if (target instanceof HTMLSelectElement || (target as HTMLElement | null)?.closest("dialog")) return true;
  return target instanceof HTMLInputElement && target.type !== "range" && target.type !== "checkbox";
}

/** Space presses the button that has the focus, rather than play; a slider has keys of its own. */
function belongs(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  if (event.key === " ") return target.matches("button, summary, a, input");
  return target.matches("input[type=range]") && ["Home", "End", "PageUp", "PageDown"].includes(event.key);
}

/** Move or lengthen the selected notes or the chosen region; the playhead where nothing is chosen. */
function arrow(app: App, event: KeyboardEvent): void {
  const [dx, dy] = ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] } as Record<string, [number, number]>)[event.key] ?? [0, 0];
  const step = stepOf(app);
  const { editing } = app;
  const region = app.doc.regions[app.region];
  if (app.selected.size) {
    if (event.shiftKey && dx) editing.replace(editing.lengthened(dx * step), "Change the length");
    else editing.replace(editing.shifted(dx * step, event.shiftKey ? 12 * dy : dy), "Move notes");
  } else if (region) {
    const changed = event.shiftKey
      ? fitted({ ...region, t1: Math.max(region.t0 + step, region.t1 + dx * step), high: Math.max(region.low, region.high + dy) }, app.doc.seconds)
      : moved(region, dx * step, dy, app.doc.seconds);
    if (changed) editing.changeRegion(app.region, changed, event.repeat);
  } else app.seek(app.player.position + dx * step);
}

/** Seconds that an arrow moves by: a step of the grid that is snapped to, or a tenth. */
function stepOf(app: App): number {
  const { meter, division } = app;
  if (!meter || division === "off") return STEP;
  const { bpm, numerator, denominator } = meter.at(app.player.position);
  return ((DIVISIONS[division] || (4 * numerator) / denominator) * 60) / bpm;
}
