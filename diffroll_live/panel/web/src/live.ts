// A live input: its level, its notes in their lanes as they are decided, the latency, and the hops that were missed.

import type { Connection } from "./connection.js";

export interface LiveNote {
  pitch: number;
  t: number;
  duration: number; // s; 0 while it sounds
  velocity: number;
  lane: "preview" | "commit" | "revise";
}

export const LIVE_BUFFER = "live";

export class Live {
  readonly notes = new Map<number, LiveNote>();
  levels: number[] = []; // ten a second, 0 to 1
  listening = false;
  seconds = 0;
  status = "";
  private began = 0;

  constructor(private connection: Connection, changed: () => void) {
    connection.on("/diffroll/audio/listening", (reply) => {
      if (reply.buffer !== LIVE_BUFFER) return;
      this.status = `Listening at ${reply.sampleRate} Hz`;
      this.began = performance.now();
      changed();
    });
    connection.on("/diffroll/audio/level", (reply) => {
      if (reply.buffer !== LIVE_BUFFER) return;
      this.levels[Math.floor(this.now * 10)] = loudness(reply.rms);
      changed();
    });
    connection.on("/diffroll/live/note", (reply) => {
      if (reply.velocity === 0) this.notes.delete(reply.index);
      else this.notes.set(reply.index, { ...reply, lane: reply.lane as LiveNote["lane"] });
      changed();
    });
    connection.on("/diffroll/live/status", (reply) => {
      this.seconds = reply.seconds;
      this.status = `${reply.hops} hops, ${reply.missed} missed, ${reply.late} notes late, load ${Math.round(100 * reply.load)} %`;
      changed();
    });
    connection.on("/diffroll/audio/vanished", (reply) => {
      this.status = reply.text;
      changed();
    });
  }

  /** Seconds since the input was opened. */
  get now(): number {
    return this.began ? (performance.now() - this.began) / 1000 : 0;
  }

  start(device: string, latency: number): void {
    this.notes.clear();
    this.levels = [];
    this.began = 0;
    this.listening = true;
    this.status = "Opening the input…";
    this.connection.send("/diffroll/audio/listen", LIVE_BUFFER, device, latency);
  }

  latency(latency: number): void {
    if (this.listening) this.connection.send("/diffroll/live/set", LIVE_BUFFER, "latency", latency);
  }

  /** Stop; what was captured stays with the daemon as a recording. */
  stop(): void {
    this.listening = false;
    this.connection.send("/diffroll/audio/close", LIVE_BUFFER);
  }
}

/** From dBFS to the height of a bar. */
export function loudness(decibels: number): number {
  return Math.max(0, Math.min(1, 1 + decibels / 60));
}
