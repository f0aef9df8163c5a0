// The buttons above and below the roll: tasks, tools, undo, faders, the trajectory; and what they show.

import type { App } from "../app.js";
import { decodingInWords } from "../daemon/request.js";
import { JOB_OPTIONS } from "../wire/options.js";
import { counted, notesOf } from "../work/doc.js";
import { DIVISIONS } from "../work/meter.js";
import { button, click, element, fill, input, make, numberOf, reads, say, select } from "./elements.js";

const LINKS = {
  connecting: "Connecting…",
  open: "Connected",
  lost: "The daemon is gone; trying again…",
  refused: "Not allowed in",
  moved: "Open in another tab",
};
const AT_ONCE = {
  threshold: (value: number) => value.toFixed(2),
  shortest: (value: number) => `${Math.round(1000 * value)} ms`,
};
const MIDDLE = 0.5; // of the threshold, where the model has its own
const REPLAY = 1600; // ms that a trajectory takes to be shown again
const REFUSED = "Open the address that diffroll-live serve printed; your notes stay here.";

/** A new seed, and the last task again. */
function another(app: App): void {
  input("dial-seed").value = String(Math.floor(Math.random() * 2 ** 31));
  app.run(app.lastTask);
}

export function bindToolbar(app: App): void {
  click("open", () => input("file").click());
  input("file").addEventListener("change", () => {
    const file = input("file").files?.[0];
    if (file) void app.opening.file(file);
    input("file").value = "";
  });
  click("clip", () => void app.opening.clip());
  click("play", () => app.togglePlay());
  click("transcribe", () => app.run("transcribe"));
  click("fill", () => app.run("inpaint"));
  click("continue", () => app.run("continue"));
  click("generate", () => app.run("generate"));
  click("another", () => another(app));
  click("cancel", () => app.jobs.cancel());
  click("undo", () => app.travel((steps) => steps.undo()));
  click("redo", () => app.travel((steps) => steps.redo()));
  click("panic", () => app.connection.send("/diffroll/panic"));
  click("action", () => {
    const { action } = app.message;
    app.say("");
    action?.run();
  });
  for (const tool of document.querySelectorAll<HTMLButtonElement>(".tool")) {
    tool.addEventListener("click", () => chooseTool(app, tool.dataset["tool"] as App["tool"]));
  }
  select("snap").append(...["off", ...Object.keys(DIVISIONS)].map((name) => make("option", name === "off" ? "no snap" : `snap ${name}`, { value: name })));
  select("snap").addEventListener("change", () => (app.division = select("snap").value));
  for (const which of ["recording", "notes"] as const) {
    input(which).addEventListener("input", () => app.player.setLevel(which, numberOf(which)));
  }
  bindAtOnce(app);
  bindTrajectory(app);
}

export function chooseTool(app: App, tool: App["tool"]): void {
  app.tool = tool;
  app.changed();
}

/** The sliders that act on notes that are there. */
function bindAtOnce(app: App): void {
  for (const id of ["threshold", "shortest"] as const) {
    reads(id, AT_ONCE[id]);
    input(id).addEventListener("input", () => {
      const [threshold, minNote] = [numberOf("threshold"), numberOf("shortest")];
      const decode = { threshold, minNote };
      app.refine({ decode, label: decodingInWords(decode) });
    });
  }
}

/** The sliders as the notes that are shown were decoded, after undo too; or as the next ones are to be. */
function showAtOnce(app: App): void {
  if (app.jobs.running) return;
  const { decode } = app.doc;
  const { threshold, min_note } = JOB_OPTIONS;
  turn("threshold", decode?.threshold ?? threshold.start ?? MIDDLE, decode?.threshold == null ? "the model’s" : "");
  turn("shortest", decode?.minNote ?? min_note.start);
}

function turn(id: keyof typeof AT_ONCE, value: number, reading = ""): void {
  if (numberOf(id) !== value) input(id).value = String(value);
  const output = document.querySelector(`output[for="${id}"]`)!;
  const text = reading || AT_ONCE[id](value);
  if (output.textContent !== text) output.textContent = text;
}

function bindTrajectory(app: App): void {
  const show = (step: number) => {
    app.pictures.step = step >= app.pictures.trajectory.steps - 1 ? -1 : step;
    app.changed();
  };
  input("step").addEventListener("input", () => show(numberOf("step")));
  click("replay", () => {
    const began = performance.now();
    const { steps } = app.pictures.trajectory;
    const next = () => {
      const share = (performance.now() - began) / REPLAY;
      show(Math.floor(share * steps));
      if (share < 1 && app.pictures.trajectory.steps === steps) requestAnimationFrame(next);
    };
    next();
  });
}

export function showToolbar(app: App): void {
  const { doc, jobs, steps } = app;
  const run = jobs.running;
  say("title", app.live.listening ? "Live input" : app.rolling ? "Jam" : doc.title);
  showLink(app);
  say("message", app.link === "refused" ? REFUSED : app.message.text);
  element("message").title = element("message").textContent ?? "";
  element("action").hidden = !app.message.action;
  say("action", app.message.action?.label ?? "");
  button("play").textContent = app.player.playing ? "❚❚" : "▶";
  button("play").setAttribute("aria-label", app.player.playing ? "Pause" : "Play");
  button("undo").disabled = !steps.canUndo;
  button("redo").disabled = !steps.canRedo;
  const away = app.link !== "open" || app.rolling !== null;
  for (const id of ["transcribe", "fill", "continue"]) button(id).disabled = !doc.buffer || away;
  button("generate").disabled = button("another").disabled = away;
  element("cancel").hidden = !run || run.refines;
  const progress = element<HTMLProgressElement>("progress");
  progress.hidden = !run || run.steps === 0;
  progress.value = run?.steps ? run.step / run.steps : 0;
  for (const tool of document.querySelectorAll<HTMLElement>(".tool")) {
    tool.setAttribute("aria-checked", String(tool.dataset["tool"] === app.tool));
  }
  if (select("snap").value !== app.division) select("snap").value = app.division;
  showAtOnce(app);
  showTrajectory(app);
  showVariations(app);
}

function showLink(app: App): void {
  const { status, welcome } = app.daemon;
  const open = app.link === "open";
  element("link").dataset["state"] = open ? (status?.state ?? "connecting") : app.link;
  say("link", open && welcome && status ? `${welcome.model} · ${status.state}` : LINKS[app.link]);
}

function showTrajectory(app: App): void {
  const { trajectory, step } = app.pictures;
  const { steps } = trajectory;
  element("scrub").hidden = steps < 2 || app.rolling !== null;
  input("step").disabled = button("replay").disabled = !app.pictured;
  input("step").max = String(Math.max(1, steps - 1));
  const shown = step < 0 ? steps - 1 : step;
  if (Number(input("step").value) !== shown) input("step").value = String(shown);
  say("stepText", app.pictured ? `step ${shown + 1} of ${steps}` : "of A alone");
}

function showVariations(app: App): void {
  const { variations, shown } = app.doc;
  element("variations").hidden = variations.length < 2 || app.rolling !== null;
  fill("variations", variations.length, () => variations.map((_, index) => make("button", "", { onclick: () => app.show(index) })));
  [...element("variations").children].forEach((tab, index) => {
    const text = `${String.fromCharCode(65 + index)} · ${counted(variations[index]!.length)}`;
    if (tab.textContent !== text) tab.textContent = text;
    tab.setAttribute("aria-pressed", String(index === shown));
  });
}

/** What a screen reader says of the roll. */
export function summary(app: App): string {
  const { doc } = app;
  if (!doc.title) return "Nothing is open.";
  const parts = [counted(notesOf(doc).length), `${doc.regions.length} regions`];
  if (app.selected.size) parts.push(`${app.selected.size} notes selected`);
  return `${doc.title}: ${parts.join(", ")}.`;
}
