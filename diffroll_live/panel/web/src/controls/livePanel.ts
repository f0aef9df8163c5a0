// The live input and the jam: what is asked of them, the meter, the latency, whose turn it is.

import type { App } from "../app.js";
import { LIVE_OPTIONS } from "../wire/options.js";
import { readJamDials } from "./dials.js";
import { button, click, element, facts, fill, input, make, numberOf, reads, say, select, times } from "./elements.js";

const LOWEST = -60; // dB that the meter shows
const TURNS = { stopped: "No jam.", listening: "Your turn: play.", answering: "The model plays." };

export function bindLive(app: App): void {
  const { low, high, start } = LIVE_OPTIONS.latency;
  Object.assign(input("latency"), { min: String(low), max: String(high), step: "10", value: String(start) });
  reads("latency", (value) => `${value} ms`);
  input("latency").addEventListener("change", () => app.live.setLatency(numberOf("latency")));
  click("listen", () => {
    if (app.live.listening) app.live.stop();
    else app.live.start(select("device").value, numberOf("latency"));
    app.say("");
  });
  click("jam", () => startOrStopJam(app));
  click("cue", () => app.jam.cue());
  click("mine", () => app.jam.listen());
  select("jamSource").addEventListener("change", () => app.changed());
  for (const id of ["jamDials", "moreJamDials"]) {
    element(id).addEventListener("change", () => {
      if (!app.jam.running) return;
      for (const [key, value] of Object.entries(readJamDials())) app.jam.set(key, value);
    });
  }
}

function startOrStopJam(app: App): void {
  const source = select("jamSource").value;
  if (app.jam.running) app.jam.stop();
  else if (source === "audio" && !app.live.listening) app.say("Listen to an input first; the jam then follows it.");
  else app.jam.start(source, source === "audio" ? app.live.buffer : source === "midi" ? select("jamPort").value : "", readJamDials());
  app.changed();
}

export function showLive(app: App): void {
  const { live, jam, daemon } = app;
  fill("device", daemon.inputs, () => [
    make("option", "The default input", { value: "" }),
    ...daemon.inputs.map(({ name, system }) => make("option", `${name} (${system})`, { value: `${name}, ${system}` })),
  ]);
  const inputs = daemon.ports.filter((port) => port.direction === "in" && !port.ours).map((port) => port.name);
  fill("jamPort", inputs, () => [
    make("option", "a port of its own", { value: "" }),
    ...inputs.map((name) => make("option", name, { value: name })),
  ]);
  button("listen").textContent = live.listening ? "Stop" : "Listen";
  say("liveStatus", live.status);
  showMeter(live.listening ? live.level : 0, live.listening ? live.peak : 0, live.listening && live.clipped);
  const { asked, held, seen, hops, missed, late, load, overruns } = live.facts;
  facts("liveFacts", !hops ? [] : [
    ["Latency asked", `${Math.round(asked)} ms`],
    ["held by the daemon", `${Math.round(held)} ms`],
    ["measured, note to screen", seen === null ? "–" : `${Math.round(seen)} ms`],
    ["Hops missed", `${missed} of ${hops + missed}`],
    ["Notes too late", String(late)],
    ["Samples lost", times(overruns)],
    ["Load", `${Math.round(100 * load)} %`],
  ]);
  element("jamPortBox").hidden = select("jamSource").value !== "midi";
  button("jam").textContent = jam.running ? "Stop" : "Start";
  button("cue").disabled = jam.turn !== "listening";
  button("mine").disabled = jam.turn !== "answering";
  element("turn").dataset["turn"] = jam.turn;
  say("turn", TURNS[jam.turn]);
  const ahead = jam.ahead === null ? "" : `Written ${(jam.ahead / 1000).toFixed(1)} s ahead, ${jam.dropped} notes too late.`;
  say("jamStatus", jam.status || ahead);
}

function showMeter(level: number, peak: number, clipped: boolean): void {
  const meter = element("meter");
  (meter.firstElementChild as HTMLElement).style.width = `${100 * level}%`;
  (meter.lastElementChild as HTMLElement).style.left = `calc(${100 * peak}% - 2px)`;
  meter.dataset["clipped"] = String(clipped);
  meter.setAttribute("aria-valuenow", String(Math.round(LOWEST * (1 - level))));
}
