// Puts the parts together. The token comes with the address, once; the session and the work survive a reload.

import { App } from "./app.js";
import type { Theme } from "./colours.js";
import { bind, fillChoices, readDials, show } from "./controls.js";
import { element, input, make, numberOf, say, select } from "./elements.js";
import { bindKeys } from "./keyboard.js";
import { bindOut } from "./out.js";
import { Stage } from "./stage.js";
import { clock } from "./view.js";

function remembered(name: string, fresh: () => string): string {
  const kept = sessionStorage.getItem(name) ?? fresh();
  sessionStorage.setItem(name, kept);
  return kept;
}

function takeToken(): string {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem("token") ?? "";
}

function newSession(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

fillChoices();
const app: App = new App(remembered("session", newSession), takeToken(), () => changed(), readDials);
const canvas = element<HTMLCanvasElement>("canvas");
const stage = new Stage(canvas, app);
let waiting = false;

function changed(): void {
  stage.invalidate();
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    show(app);
  });
}

bind(app);
bindOut(app, stage);
bindKeys(app, stage, canvas);
window.addEventListener("hashchange", () => location.reload());

const setTheme = (theme: Theme) => {
  document.documentElement.dataset["theme"] = theme;
  localStorage.setItem("theme", theme);
  stage.theme(theme);
};
element("theme").addEventListener("click", () => {
  setTheme(document.documentElement.dataset["theme"] === "dark" ? "light" : "dark");
});
setTheme(localStorage.getItem("theme") === "light" ? "light" : "dark");

app.connection.on("/diffroll/audio/input", (reply) => {
  const known = [...select("device").options].some((option) => option.value === reply.name);
  if (!known) select("device").append(make("option", `${reply.name} (${reply.system})`, { value: reply.name }));
});
element("listen").addEventListener("click", () => {
  if (app.live.listening) app.live.stop();
  else app.live.start(select("device").value, numberOf("latency"));
  changed();
});
input("latency").addEventListener("change", () => app.live.latency(numberOf("latency")));
setInterval(() => {
  say("clock", clock(app.live.listening ? app.live.now : app.player.position));
  element<HTMLMeterElement>("level").value = app.live.listening ? (app.live.levels.at(-1) ?? 0) : 0;
}, 50);

app.connection.open();
changed();
