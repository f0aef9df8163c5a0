// A jam: whose turn it is, and what the model answers.

import type { Connection } from "../wire/connection.js";
import type { LiveNote } from "./live.js";

const JAM = "panel jam";
const LONGEST = 60; // s of notes that are kept to be shown

export type Turn = "stopped" | "listening" | "answering";

export class Jam {
  turn: Turn = "stopped";
  status = "";
  ahead: number | null = null; // ms that writing is ahead of what sounds
  dropped = 0;
  source = "";
  notes: LiveNote[] = [];
  private began = 0; // ms
  private held = new Map<number, LiveNote>();

  constructor(private connection: Connection, private changed: () => void) {
    connection.on("/diffroll/jam/state", ({ jam, state }) => this.about(jam, () => {
      this.turn = state as Turn;
      this.ahead = null;
    }));
    connection.on("/diffroll/jam/ahead", ({ jam, ms, dropped }) => this.about(jam, () => {
      [this.ahead, this.dropped] = [ms, dropped];
    }));
    connection.on("/diffroll/note", ({ job, pitch, t, duration, velocity }) => this.about(job, () => {
      this.notes.push({ pitch, t, duration, velocity, lane: "revise" });
    }));
    connection.on("/diffroll/error", ({ about, text }) => this.about(about, () => (this.status = text)));
  }

  get running(): boolean {
    return this.turn !== "stopped";
  }

  /** Seconds since it began. */
  get now(): number {
    return (performance.now() - this.began) / 1000;
  }

  /** Start with a source: midi (an input of that name, or a virtual one), audio (a live buffer), osc (the keys here). */
  start(source: string, name: string, options: Record<string, string | number>): void {
    this.source = source;
    this.notes = [];
    this.dropped = 0;
    this.began = performance.now();
    this.status = "";
    this.connection.send("/diffroll/jam/start", JAM, source, name);
    for (const [key, value] of Object.entries(options)) this.set(key, value);
    this.turn = "listening";
    this.changed();
  }

  set(key: string, value: string | number): void {
    this.connection.send("/diffroll/jam/set", JAM, key, value);
  }

  cue(): void {
    this.connection.send("/diffroll/jam/cue", JAM);
  }

  listen(): void {
    this.connection.send("/diffroll/jam/listen", JAM);
  }

  stop(): void {
    this.connection.send("/diffroll/jam/stop", JAM);
    this.turn = "stopped";
    this.changed();
  }

  lose(): void {
    if (this.running) this.status = "The connection was lost, and the jam with it.";
    this.turn = "stopped";
  }

  /** Press or release a key here, where these are the source. */
  key(pitch: number, velocity: number): void {
    if (!this.running || this.source !== "osc") return;
    this.connection.send("/diffroll/jam/note", JAM, pitch, velocity);
    const held = this.held.get(pitch);
    if (held) held.duration = Math.max(0.05, this.now - held.t);
    this.held.delete(pitch);
    if (velocity) {
      const note: LiveNote = { pitch, t: this.now, duration: 0, velocity, lane: "commit" };
      this.held.set(pitch, note);
      this.notes.push(note);
    }
    this.changed();
  }

  private about(jam: string, work: () => void): void {
    if (jam !== JAM) return;
    work();
    this.notes = this.notes.filter((note) => note.t > this.now - LONGEST);
    this.changed();
  }
}
