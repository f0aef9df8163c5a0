// The buttons, sliders and lists around the canvas: what they ask of the app, and how they show it.

import type { App } from "./app.js";
import { type Doc, fitted, notesOf } from "./doc.js";
import { button, element, input, make, numberOf, say, select } from "./elements.js";
import type { Dials } from "./jobs.js";
import { clock, keyName } from "./view.js";

const SCALES = ["major", "minor", "dorian", "mixolydian", "harmonic minor", "major pentatonic", "minor pentatonic", "blues"];
const ROOTS = ["C", "D", "E", "F", "G", "A", "B", "Bb", "Eb", "F#"];
const READINGS: Record<string, (value: number) => string> = {
  threshold: (value) => value.toFixed(2),
  shortest: (value) => `${Math.round(1000 * value)} ms`,
  temperature: (value) => value.toFixed(2),
  density: (value) => value.toFixed(2),
  latency: (value) => `${value} ms`,
};
const LINKS = {
  connecting: "Connecting…",
  open: "Connected",
  lost: "The daemon is gone; trying again…",
  refused: "Not allowed in",
  moved: "Open in another tab",
};

export function readDials(): Dials {
  return {
    seed: numberOf("seed"),
    variations: numberOf("count"),
    quality: select("quality").value,
    temperature: numberOf("temperature"),
    density: numberOf("density"),
    seconds: numberOf("seconds"),
    quantize: select("quantize").value,
    scale: select("scale").value,
  };
}

export function fillChoices(): void {
  const scales = ROOTS.flatMap((root) => SCALES.map((scale) => `${root} ${scale}`));
  select("scale").replaceChildren(...["off", ...scales].map((name) => make("option", name)));
}

/** A new seed, and the last task again. */
export function another(app: App): void {
  input("seed").value = String(Math.floor(Math.random() * 2 ** 31));
  app.run(app.lastTask);
}

export function bind(app: App): void {
  const click = (id: string, work: () => void) => element(id).addEventListener("click", work);
  click("open", () => input("file").click());
  input("file").addEventListener("change", () => {
    const file = input("file").files?.[0];
    if (file) void app.open(file);
    input("file").value = "";
  });
  click("clip", () => void app.openClip());
  click("play", () => app.togglePlay());
  click("transcribe", () => app.run("transcribe"));
  click("fill", () => app.run("inpaint"));
  click("continue", () => app.run("continue"));
  click("generate", () => app.run("generate"));
  click("another", () => another(app));
  click("cancel", () => app.jobs.cancel());
  click("undo", () => app.undo());
  click("redo", () => app.redo());
  click("panic", () => app.connection.send("/diffroll/panic"));
  click("todaw", () => app.playOnPort());
  click("addregion", () => app.addRegionHere());
  click("remove", () => app.remove());
  click("copystate", () => {
    void navigator.clipboard.writeText(app.daemon.report()).then(() => app.say("The state is on the clipboard."));
  });
  bindSliders(app);
  bindRegion(app);
  for (const tool of document.querySelectorAll<HTMLButtonElement>(".tool")) {
    tool.addEventListener("click", () => {
      app.tool = tool.dataset["tool"] as App["tool"];
      app.say("");
    });
  }
  input("snap").addEventListener("change", () => (app.snap = input("snap").checked));
}

function bindSliders(app: App): void {
  const read = (id: string) => {
    const output = document.querySelector(`output[for="${id}"]`);
    if (output) output.textContent = READINGS[id]!(numberOf(id));
  };
  for (const id of Object.keys(READINGS)) {
    read(id);
    input(id).addEventListener("input", () => read(id));
  }
  for (const id of ["threshold", "shortest"]) {
    input(id).addEventListener("input", () => {
      if (!app.doc.job) app.say("The threshold acts on what a job wrote; transcribe first.");
      app.jobs.redecode(app.steps.doc, numberOf("threshold"), numberOf("shortest"));
    });
  }
  for (const which of ["recording", "notes"] as const) {
    input(which).addEventListener("input", () => app.player.setLevel(which, numberOf(which)));
  }
  input("step").addEventListener("input", () => {
    const last = Number(input("step").max);
    app.step = numberOf("step") >= last ? -1 : numberOf("step");
    if (!app.pictures.trajectory.length) app.askTrajectory();
    app.say("");
  });
}

function bindRegion(app: App): void {
  const change = () => {
    const old = app.doc.regions[app.region];
    if (!old) return;
    const [t0, t1, low, high] = ["t0", "t1", "low", "high"].map(numberOf) as [number, number, number, number];
    const region = fitted({ t0, t1, low, high, hear: input("hear").checked }, app.doc.seconds);
    if (region) app.changeRegion(app.region, region, true);
    else app.say("A region needs a length: its end must come after its beginning.");
  };
  for (const id of ["t0", "t1", "low", "high", "hear"]) input(id).addEventListener("change", change);
}

/** Bring everything around the canvas up to date. */
export function show(app: App): void {
  const { doc, jobs, steps } = app;
  const run = jobs.running;
  say("title", doc.title);
  if (app.link !== "open") {
    element("link").dataset["state"] = app.link;
    say("link", LINKS[app.link]);
  }
  const refused = app.link === "refused" ? "Open the address that diffroll-live serve printed; your notes stay here." : "";
  say("message", refused || app.message);
  const isEmpty = !doc.seconds && !run && !app.live.listening;
  element("empty").hidden = !isEmpty;
  button("play").textContent = app.player.playing ? "❚❚" : "▶";
  button("play").setAttribute("aria-label", app.player.playing ? "Pause" : "Play");
  button("undo").disabled = !steps.canUndo;
  button("redo").disabled = !steps.canRedo;
  for (const id of ["transcribe", "fill", "continue"]) button(id).disabled = !doc.buffer || app.link !== "open";
  button("generate").disabled = button("another").disabled = app.link !== "open";
  element("cancel").hidden = !run;
  const progress = element<HTMLProgressElement>("progress");
  progress.hidden = !run || run.steps === 0;
  progress.value = run?.steps ? run.step / run.steps : 0;
  element("scrub").hidden = !app.pictures.posterior || app.doc.seconds > 60;
  input("step").max = String(Math.max(1, app.pictures.trajectory.length || 4));
  for (const tool of document.querySelectorAll<HTMLElement>(".tool")) {
    tool.setAttribute("aria-checked", String(tool.dataset["tool"] === app.tool));
  }
  showVariations(app, doc);
  showRegion(app, doc);
  showHistory(app);
  const chosen = `${doc.regions.length} regions, ${notesOf(doc).length} notes, ${clock(doc.seconds)} long`;
  say("summary", isEmpty ? "Nothing is open." : `${doc.title}: ${chosen}.`);
  button("listen").textContent = app.live.listening ? "Stop" : "Listen";
  say("liveStatus", app.live.status);
}

function showVariations(app: App, doc: Doc): void {
  const tabs = element("variations");
  tabs.hidden = doc.variations.length < 2;
  if (tabs.childElementCount !== doc.variations.length) {
    tabs.replaceChildren(...doc.variations.map((_, index) => make("button", "", { onclick: () => app.show(index) })));
  }
  [...tabs.children].forEach((tab, index) => {
    tab.textContent = `${String.fromCharCode(65 + index)} · ${doc.variations[index]!.length} notes`;
    tab.setAttribute("aria-pressed", String(index === doc.shown));
  });
}

function showRegion(app: App, doc: Doc): void {
  const region = doc.regions[app.region];
  element("region").hidden = !region;
  element("noregion").hidden = region !== undefined;
  if (!region) return;
  const values = { t0: region.t0.toFixed(2), t1: region.t1.toFixed(2), low: String(region.low), high: String(region.high) };
  for (const [id, value] of Object.entries(values)) {
    if (document.activeElement !== input(id)) input(id).value = value;
  }
  input("low").title = keyName(region.low);
  input("high").title = keyName(region.high);
  input("hear").checked = region.hear;
}

function showHistory(app: App): void {
  const { labels } = app.steps;
  const key = JSON.stringify(labels);
  const list = element("history");
  if (list.dataset["key"] === key) return;
  list.dataset["key"] = key;
  const current = labels.findIndex((label) => label.current);
  list.replaceChildren(
    ...labels.map(({ label }, index) => {
      const item = make("li", "", { className: index > current ? "undone" : "" });
      const entry = make("button", label, { onclick: () => app.goTo(index) });
      if (index === current) entry.setAttribute("aria-current", "true");
      item.append(entry);
      return item;
    }),
  );
  const shown = list.children[current] as HTMLElement | undefined;
  if (shown) list.scrollTop = shown.offsetTop - list.offsetTop - list.clientHeight / 2;
}
