// Puts the parts together. The token comes with the address, once; the session and the work survive a reload.

import { App } from "./app.js";
import { buildDials, readDials, readShape, showShape } from "./controls/dials.js";
import { click, element, say } from "./controls/elements.js";
import { showHistory } from "./controls/history.js";
import { bindKeys } from "./controls/keyboard.js";
import { bindLive, showLive } from "./controls/livePanel.js";
import { bindSections } from "./controls/sections.js";
import { bindSelection, showSelection } from "./controls/selection.js";
import { bindState, showOut, showState } from "./controls/statePanel.js";
import { bindToolbar, showToolbar, summary } from "./controls/toolbar.js";
import { shapeInWords } from "./daemon/request.js";
import { bindOut, showDrag } from "./out/out.js";
import type { Theme } from "./stage/colours.js";
import { Stage } from "./stage/stage.js";
import { clock } from "./stage/view.js";

const CLOCK = 50; // ms

function remembered(name: string, fresh: () => string): string {
  const kept = sessionStorage.getItem(name) ?? fresh();
  sessionStorage.setItem(name, kept);
  return kept;
}

/** The token of the address, which then leaves it; pages that a restarted daemon has shut out learn of it too. */
function takeToken(channel: BroadcastChannel): string {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
    channel.postMessage(given);
  }
  return sessionStorage.getItem("token") ?? "";
}

function newSession(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

buildDials(() => {
  const shape = readShape();
  app.refine({ shape, label: shapeInWords(shape) });
});
const channel = new BroadcastChannel("diffroll-live");
const app: App = new App(remembered("session", newSession), takeToken(channel), () => changed(), readDials);
const canvas = element<HTMLCanvasElement>("canvas");
const stage = new Stage(canvas, app);
let waiting = false;

function changed(): void {
  stage.invalidate();
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    for (const show of [showToolbar, showShape, showSelection, showHistory, showOut, showLive, showState, showDrag]) show(app);
    say("summary", summary(app));
  });
}

bindToolbar(app);
bindSelection(app);
bindOut(app, stage);
bindLive(app);
bindState(app);
bindSections((name) => {
  if (name === "live" || name === "state") app.daemon.askPorts();
});
bindKeys(app, stage, canvas);
window.addEventListener("hashchange", () => location.reload());
channel.onmessage = ({ data }: MessageEvent<string>) => {
  if (app.link !== "refused") return;
  sessionStorage.setItem("token", data);
  app.connection.admit(data);
};

const preferred = matchMedia("(prefers-color-scheme: light)");
const setTheme = (theme: Theme) => {
  document.documentElement.dataset["theme"] = theme;
  stage.theme(theme);
};
const theme = (): Theme => (localStorage.getItem("theme") as Theme | null) ?? (preferred.matches ? "light" : "dark");
click("theme", () => {
  localStorage.setItem("theme", theme() === "dark" ? "light" : "dark");
  setTheme(theme());
});
preferred.addEventListener("change", () => setTheme(theme()));
setTheme(theme());

setInterval(() => {
  const now = app.rolling?.now ?? app.player.position;
  const bars = app.meter && !app.rolling ? `  ${app.meter.place(now)}` : "";
  say("clock", clock(now) + bars);
}, CLOCK);

app.connection.open();
changed();
