// The state of the daemon: facts, clients with their buffers and jobs, MIDI ports, what was asked for, the errors.

import type { App } from "../app.js";
import { decodingInWords, decodingOf, optionsOf, shapeOf, taskInWords } from "../daemon/request.js";
import type { Asked, Buffer, DaemonState, Job } from "../daemon/state.js";
import { clock, length } from "../stage/view.js";
import { counted } from "../work/doc.js";
import { turnDials } from "./dials.js";
import { button, click, element, facts, fill, make, say, times } from "./elements.js";
import { showSection } from "./sections.js";

export function bindState(app: App): void {
  click("copystate", () => {
    void app.attempt(async () => {
      app.say("Examining the machine; this takes a while…");
      button("copystate").disabled = true;
      try {
        await navigator.clipboard.writeText(await app.daemon.report());
        app.say("The doctor's report is on the clipboard.");
      } finally {
        button("copystate").disabled = false;
      }
    });
  });
  click("lookagain", () => app.daemon.askPorts());
}

export function showState(app: App): void {
  const { daemon } = app;
  facts("facts", rows(daemon));
  fill("clients", [[...daemon.clients], [...daemon.buffers.values()], [...daemon.jobs.values()]], () => clients(app));
  fill("ports", [daemon.ports, daemon.portless], () => ports(daemon));
  fill("asked", daemon.history, () => requests(app));
  fill("errors", daemon.errors, () =>
    daemon.errors.length
      ? daemon.errors.map(({ from, text }) => make("li", from ? `${from}: ${text}` : text))
      : [make("li", "None so far.", { className: "none" })],
  );
  showOffers(app);
}

function rows(daemon: DaemonState): [string, string][] {
  const { welcome, status, vitals, transport } = daemon;
  const found: [string, string][] = [];
  if (welcome) found.push(["Model", welcome.model], ["Device", welcome.device], ["Version", welcome.version]);
  if (status) {
    found.push(["State", status.state], ["Jobs waiting", String(status.queued)], ["Load", `${Math.round(100 * status.load)} %`]);
  }
  if (vitals) {
    if (vitals.memoryMb) found.push(["Memory", `${Math.round(vitals.memoryMb)} MB`]);
    found.push(["MIDI out", vitals.playing ? vitals.midi.replace(/^Notes go to /, "").replace(/\.$/, "") : "none"]);
    if (vitals.jackXruns >= 0) found.push(["JACK xruns", String(vitals.jackXruns)]);
    found.push(["Samples lost", times(vitals.losses)], ["Restarts", String(vitals.restarts)]);
  }
  if (transport && !transport.told && transport.source !== "osc") found.push(["DAW", `nothing heard yet by ${transport.source}`]);
  if (transport?.told) {
    const moves = transport.playing ? "plays" : "stopped";
    found.push(["DAW", `${moves} at ${clock(Math.max(0, transport.position))}`]);
    found.push(["Tempo", `${transport.tempo.toFixed(1)}, ${transport.numerator}/${transport.denominator}`]);
    found.push(["Told by", transport.source]);
  }
  return found;
}

function clients(app: App): HTMLElement[] {
  const { daemon } = app;
  const items: HTMLElement[] = [];
  for (const [key, name] of daemon.clients) {
    items.push(make("li", name || key, { className: "name" }));
    for (const buffer of daemon.buffers.values()) if (buffer.client === key) items.push(bufferItem(app, buffer));
    for (const job of daemon.jobs.values()) if (job.client === key) items.push(jobItem(app, job));
  }
  return items.length ? items : [make("li", "No other client is connected.", { className: "hint" })];
}

function bufferItem(app: App, buffer: Buffer): HTMLElement {
  const ready = buffer.state === "ready";
  const text = `♪ ${buffer.buffer} · ${ready ? length(buffer.seconds) : buffer.state}`;
  return item(text, ready, () => app.opening.buffer(buffer.client, buffer.buffer));
}

function jobItem(app: App, job: Job): HTMLElement {
  const result = job.state === "done" ? `${counted(job.notes)}, seed ${job.seed}` : job.state;
  const state = job.state === "running" ? `${Math.round(100 * job.progress)} %` : result;
  return item(`${taskInWords(job.task)} ${job.job} · ${state}`, ["done", "queued", "running"].includes(job.state), () => app.opening.job(job));
}

function item(text: string, usable: boolean, pick: () => void): HTMLElement {
  const made = make("li");
  made.append(make("button", text, { disabled: !usable, onclick: pick, title: "Open it here" }));
  return made;
}

function ports(daemon: DaemonState): HTMLElement[] {
  if (!daemon.ports.length) return [make("li", daemon.portless || "There are no MIDI ports.", { className: "hint" })];
  return daemon.ports.map(({ direction, name, ours }) => {
    const made = make("li", name);
    const use = direction === "in" ? "to listen to" : "to play on";
    made.append(make("small", ours ? `ours, ${use}` : use));
    return made;
  });
}

function requests(app: App): HTMLElement[] {
  const { history } = app.daemon;
  if (!history.length) return [make("li", "Nothing was asked for yet.", { className: "hint" })];
  return [...history].reverse().map((asked) => {
    const options = optionsOf(asked.options);
    const variations = Number(options.get("variations") ?? 1);
    const written = counted(asked.notes) + (variations > 1 ? ` in ${variations} variations` : "");
    const result = asked.outcome === "done" ? written : asked.outcome;
    const decoded = asked.task === "redecode" ? decodingInWords(decodingOf(options)) : "";
    const text = `${decoded || `${taskInWords(asked.task)}, seed ${asked.seed}`} · ${result}`;
    const made = make("li");
    const title = `${asked.name || asked.client}, ${ago(asked)}${asked.options ? `: ${asked.options}` : ""}. Turn the dials to this.`;
    made.append(make("button", text, { title, onclick: () => again(app, asked) }));
    return made;
  });
}

function ago({ ago: seconds }: Asked): string {
  return seconds < 90 ? "a moment ago" : `${Math.round(seconds / 60)} minutes ago`;
}

function again(app: App, asked: Asked): void {
  const options = optionsOf(asked.options).set("seed", String(asked.seed));
  turnDials(options);
  app.editing.setMaking(decodingOf(options), shapeOf(options));
  showSection("write");
  app.say(`The dials are as for that request, seed ${asked.seed} included.`);
}

/** What a DAW has sent, on the empty panel. */
function showOffers(app: App): void {
  const { buffers } = app.daemon.offers;
  const ready = buffers.filter((buffer) => buffer.state === "ready").slice(-5);
  const empty = !app.doc.title && !app.jobs.running && !app.rolling;
  element("empty").hidden = !empty;
  element("offers").hidden = !ready.length;
  fill("offered", ready, () =>
    ready.map((buffer) => {
      const text = `${buffer.buffer} · ${length(buffer.seconds)}, from ${app.daemon.nameOf(buffer.client)}`;
      return item(text, true, () => app.opening.buffer(buffer.client, buffer.buffer));
    }),
  );
}

/** What concerns the MIDI port, where notes are sent to it. */
export function showOut(app: App): void {
  const { vitals } = app.daemon;
  button("todaw").disabled = !vitals?.playing;
  say("portText", vitals?.midi ?? "");
  const { asker } = app.doc;
  element("giveBox").hidden = !asker;
  if (asker) say("give", `Give back to ${asker.name}`);
}
