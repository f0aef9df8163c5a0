// The state of the daemon: what it is, what its other clients do, the DAW's transport, the latest errors.

import type { Connection } from "./connection.js";
import { element, make, say } from "./elements.js";
import type { Replies } from "./messages.js";
import { clock } from "./view.js";

const POLL = 1000; // ms
const MAX_ERRORS = 8;

type Job = Replies["/diffroll/watch/job"];
type Buffer = Replies["/diffroll/watch/buffer"];

export interface Picks {
  job(client: string, job: string): void;
  buffer(client: string, buffer: string): void;
}

export class DaemonState {
  welcome: Replies["/diffroll/welcome"] | null = null;
  status: Replies["/diffroll/status"] | null = null;
  transport: Replies["/diffroll/watch/transport"] | null = null;
  readonly errors: string[] = [];
  private clients = new Map<string, string>();
  private jobs = new Map<string, Job>();
  private buffers = new Map<string, Buffer>();

  constructor(private connection: Connection, private picks: Picks, private changed: () => void) {
    connection.on("/diffroll/welcome", (reply) => {
      this.welcome = reply;
      this.facts();
    });
    connection.on("/diffroll/status", (reply) => {
      this.status = reply;
      this.facts();
      this.changed();
    });
    connection.on("/diffroll/watch/transport", (reply) => {
      this.transport = reply;
      this.facts();
      this.changed();
    });
    connection.on("/diffroll/watch/client", (reply) => this.client(reply));
    connection.on("/diffroll/watch/job", (reply) => this.list(this.jobs, `${reply.client} ${reply.job}`, reply));
    connection.on("/diffroll/watch/buffer", (reply) => this.list(this.buffers, `${reply.client} ${reply.buffer}`, reply));
    connection.on("/diffroll/watch/error", (reply) => this.error(`${this.nameOf(reply.client)}: ${reply.text}`));
    connection.on("/diffroll/error", (reply) => this.error(reply.text));
    setInterval(() => connection.send("/diffroll/status"), POLL);
  }

  /** Introduce the page, and begin to watch; after every opening of the connection. */
  greet(): void {
    this.clients.clear();
    this.jobs.clear();
    this.buffers.clear();
    this.connection.send("/diffroll/hello", "panel");
    this.connection.send("/diffroll/watch", 1);
    this.connection.send("/diffroll/status");
    this.connection.send("/diffroll/audio/inputs");
  }

  /** What a support thread asks for first. */
  report(): string {
    const { welcome, status, transport, errors } = this;
    const clients = [...this.clients.entries()].map(([key, name]) => ({ key, name }));
    return JSON.stringify({ welcome, status, transport, clients, jobs: [...this.jobs.values()], errors }, null, 2);
  }

  private nameOf(key: string): string {
    return this.clients.get(key) || key;
  }

  private client(reply: Replies["/diffroll/watch/client"]): void {
    if (reply.here) this.clients.set(reply.client, reply.name);
    else {
      this.clients.delete(reply.client);
      for (const table of [this.jobs, this.buffers]) {
        for (const [key, item] of table) if (item.client === reply.client) table.delete(key);
      }
    }
    this.showClients();
  }

  private list<T>(table: Map<string, T>, key: string, item: T): void {
    table.set(key, item);
    this.showClients();
  }

  private error(text: string): void {
    this.errors.unshift(text);
    this.errors.length = Math.min(this.errors.length, MAX_ERRORS);
    element("errors").replaceChildren(...this.errors.map((line) => make("li", line)));
  }

  private facts(): void {
    const { welcome, status, transport } = this;
    const rows: [string, string][] = [];
    if (welcome) rows.push(["Model", welcome.model], ["Device", welcome.device], ["Version", welcome.version]);
    if (status) {
      rows.push(["State", status.state], ["Queue", String(status.queued)], ["Load", `${Math.round(100 * status.load)} %`]);
    }
    if (transport) {
      const moves = transport.playing ? "plays" : "stopped";
      const metre = `${transport.numerator}/${transport.denominator}`;
      rows.push(["DAW", `${moves} at ${clock(Math.max(0, transport.position))}`]);
      rows.push(["Tempo", `${transport.tempo.toFixed(1)}, ${metre}, from ${transport.source}`]);
    }
    element("facts").replaceChildren(...rows.flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
    if (welcome && status) {
      element("link").dataset["state"] = status.state;
      say("link", `${welcome.model} · ${status.state}`);
    }
  }

  private showClients(): void {
    const items: HTMLElement[] = [];
    for (const [key, name] of this.clients) {
      items.push(make("li", name || key));
      for (const buffer of this.buffers.values()) {
        if (buffer.client !== key) continue;
        const text = `♪ ${buffer.buffer} · ${buffer.state === "ready" ? clock(buffer.seconds) : buffer.state}`;
        items.push(this.item(text, buffer.state === "ready", () => this.picks.buffer(key, buffer.buffer)));
      }
      for (const job of this.jobs.values()) {
        if (job.client !== key) continue;
        const state = job.state === "running" ? `${Math.round(100 * job.progress)} %` : job.state;
        const text = `${job.task} ${job.job} · ${job.state === "done" ? `${job.notes} notes, seed ${job.seed}` : state}`;
        items.push(this.item(text, job.state === "done", () => this.picks.job(key, job.job)));
      }
    }
    if (!items.length) items.push(make("li", "No other client is connected.", { className: "hint" }));
    element("clients").replaceChildren(...items);
  }

  private item(text: string, usable: boolean, pick: () => void): HTMLElement {
    const item = make("li");
    item.append(make("button", text, { disabled: !usable, onclick: pick, title: "Open it here" }));
    return item;
  }
}
