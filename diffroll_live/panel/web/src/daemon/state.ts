// The state of the daemon: what it is, what its other clients do, the DAW's transport, ports, the latest errors.

import type { Connection } from "../wire/connection.js";
import type { Replies } from "../wire/messages.js";

const POLL = 1000; // ms
const BURST = 100; // ms in which all comes that was there before
const MAX_ERRORS = 8;
export const PORTS = "/diffroll/midi/ports";

export type Job = Replies["/diffroll/watch/job"];
export type Buffer = Replies["/diffroll/watch/buffer"];
export type Asked = Replies["/diffroll/history/job"];
export type Port = Replies["/diffroll/midi/port"];
export type Finding = Replies["/diffroll/doctor/finding"];
export interface Trouble {
  from: string; // the client that was told; empty for this page
  text: string;
}

export class DaemonState {
  welcome: Replies["/diffroll/welcome"] | null = null;
  status: Replies["/diffroll/status"] | null = null;
  transport: Replies["/diffroll/watch/transport"] | null = null;
  vitals: Replies["/diffroll/watch/daemon"] | null = null;
  inputs: Replies["/diffroll/audio/input"][] = [];
  ports: Port[] = [];
  portless = ""; // why no ports can be listed
  history: Asked[] = [];
  readonly errors: Trouble[] = [];
  readonly clients = new Map<string, string>(); // names by key
  readonly jobs = new Map<string, Job>();
  readonly buffers = new Map<string, Buffer>();
  private beheld = Infinity; // ms at which the first report of those that are watched came
  private findings: Finding[] = [];
  private wanted: { count: number; resolve: (findings: Finding[]) => void; reject: (reason: Error) => void } | null = null;

  /** `asked` is told of every report about a job of another client. */
  constructor(private connection: Connection, private changed: () => void, asked: (job: Job, name: string) => void) {
    const keep = <K extends "welcome" | "status" | "transport" | "vitals">(key: K) => (reply: NonNullable<this[K]>) => {
      this[key] = reply;
      changed();
    };
    connection.on("/diffroll/welcome", keep("welcome"));
    connection.on("/diffroll/status", keep("status"));
    connection.on("/diffroll/watch/transport", keep("transport"));
    connection.on("/diffroll/watch/transport", () => (this.beheld = Math.min(this.beheld, performance.now())));
    connection.on("/diffroll/watch/daemon", keep("vitals"));
    connection.on("/diffroll/watch/client", (reply) => this.client(reply));
    connection.on("/diffroll/watch/job", (reply) => {
      this.jobs.set(`${reply.client} ${reply.job}`, reply);
      asked(reply, this.nameOf(reply.client));
      if (["done", "failed", "cancelled"].includes(reply.state)) this.askHistory();
      changed();
    });
    connection.on("/diffroll/watch/buffer", (reply) => {
      this.buffers.set(`${reply.client} ${reply.buffer}`, reply);
      changed();
    });
    connection.on("/diffroll/watch/error", ({ client, about, text }) => {
      if (about !== PORTS) this.error({ from: this.nameOf(client), text }); // of other panels, and of this one before a reload
    });
    connection.on("/diffroll/job/done", () => this.askHistory());
    this.lists();
    setInterval(() => connection.send("/diffroll/status"), POLL);
  }

  /** Introduce the page, and begin to watch; after every opening of the connection. */
  greet(): void {
    this.beheld = Infinity;
    for (const table of [this.clients, this.jobs, this.buffers]) table.clear();
    this.connection.send("/diffroll/hello", "panel");
    this.connection.send("/diffroll/watch", 1);
    this.connection.send("/diffroll/status");
    this.connection.send("/diffroll/audio/inputs");
    this.askPorts();
    this.askHistory();
  }

  /** Whether it is still told how things stood when it began to watch. */
  get isNew(): boolean {
    return performance.now() - this.beheld < BURST;
  }

  askPorts(): void {
    this.connection.send(PORTS);
  }

  /** What `doctor --json` says of the daemon's machine, with what is known here: what a support thread asks for. */
  async report(): Promise<string> {
    this.findings = [];
    const findings = await new Promise<Finding[]>((resolve, reject) => {
      this.wanted = { count: Infinity, resolve, reject };
      if (!this.connection.send("/diffroll/doctor")) reject(new Error("The daemon is gone; run diffroll-live doctor."));
    });
    const { welcome, status, vitals, transport, ports, errors } = this;
    const clients = [...this.clients.values()];
    const daemon = { welcome, status, vitals, transport, ports, clients, jobs: [...this.jobs.values()], errors };
    return JSON.stringify({ findings, daemon }, null, 2);
  }

  nameOf(key: string): string {
    return this.clients.get(key) || key;
  }

  /** What other programs than panels have opened and asked for, the newest last. */
  get offers(): { buffers: Buffer[]; jobs: Job[] } {
    const foreign = (item: { client: string }) => this.clients.get(item.client) !== "panel";
    return { buffers: [...this.buffers.values()].filter(foreign), jobs: [...this.jobs.values()].filter(foreign) };
  }

  private askHistory(): void {
    this.connection.send("/diffroll/history");
  }

  /** Take lists that are announced by their length. */
  private lists(): void {
    const { connection, changed } = this;
    let [inputs, ports, history]: [typeof this.inputs, Port[], Asked[]] = [[], [], []];
    const begin = (empty: () => void) => () => {
      empty();
      changed();
    };
    connection.on("/diffroll/audio/inputs", begin(() => (this.inputs = inputs = [])));
    connection.on("/diffroll/audio/input", (reply) => void inputs.push(reply));
    connection.on(PORTS, begin(() => ([this.ports, this.portless] = [(ports = []), ""])));
    connection.on("/diffroll/midi/port", (reply) => void ports.push(reply));
    connection.on("/diffroll/history", begin(() => (this.history = history = [])));
    connection.on("/diffroll/history/job", (reply) => {
      history.push(reply);
      changed();
    });
    connection.on("/diffroll/doctor", ({ count }) => {
      if (this.wanted) this.wanted.count = count;
    });
    connection.on("/diffroll/doctor/finding", (reply) => {
      this.findings.push(reply);
      if (this.findings.length === this.wanted?.count) this.wanted.resolve(this.findings);
    });
  }

  /** Take an error that this page was answered with. */
  failed(about: string, text: string): void {
    if (about === PORTS) this.portless = text; // the page asks by itself, and says it where they are listed
    else this.error({ from: "", text });
    if (about === "/diffroll/doctor") this.wanted?.reject(new Error(text));
  }

  private client(reply: Replies["/diffroll/watch/client"]): void {
    if (reply.here) this.clients.set(reply.client, reply.name);
    else {
      this.clients.delete(reply.client);
      for (const table of [this.jobs, this.buffers]) {
        for (const [key, item] of table) if (item.client === reply.client) table.delete(key);
      }
    }
    this.changed();
  }

  /** Keep an error as the latest; one that comes again is kept once. */
  private error(trouble: Trouble): void {
    const before = this.errors.findIndex(({ from, text }) => from === trouble.from && text === trouble.text);
    if (before >= 0) this.errors.splice(before, 1);
    this.errors.unshift(trouble);
    this.errors.length = Math.min(this.errors.length, MAX_ERRORS);
    this.changed();
  }
}
