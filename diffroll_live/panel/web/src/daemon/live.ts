// A live input: its level, its notes in their lanes as they are decided, the latency, and the hops that were missed.

import { type Picture, joined } from "../stage/tiles.js";
import type { Connection, Tile } from "../wire/connection.js";
import type { Note } from "../work/doc.js";

export interface LiveNote {
  pitch: number;
  t: number;
  duration: number; // s; 0 while it sounds
  velocity: number;
  lane: "preview" | "commit" | "revise";
}

export interface LiveFacts {
  asked: number; // ms
  held: number; // ms, that the daemon holds
  seen: number | null; // ms, from a note's onset to its being decided, as it was measured here
  hops: number;
  missed: number;
  late: number;
  load: number;
  overruns: number;
}

const FRESH = { held: 0, seen: null, hops: 0, missed: 0, late: 0, load: 0, overruns: 0 };
const MEASURED = 15; // notes whose median is shown
const LEVEL_SECONDS = 0.1;
const SLACK = 0.15; // s by which the clocks of the page and of the daemon may differ
const PEAK_FALLS = 0.04; // of the meter, with each level

export class Live {
  readonly notes = new Map<number, LiveNote>();
  spectrogram: Picture | null = null;
  listening = false;
  status = "";
  level = 0; // 0 to 1
  peak = 0;
  clipped = false;
  facts: LiveFacts = { asked: 0, ...FRESH };
  buffer = ""; // that is being filled, or was last
  private began = 0; // ms at which second 0 sounded
  private ended = 0; // s since then, when it was stopped
  private delays: number[] = [];
  private count = Number(sessionStorage.getItem("inputs") ?? 0);

  constructor(private connection: Connection, private changed: () => void) {
    connection.on("/diffroll/audio/listening", ({ buffer, sampleRate }) => this.about(buffer, () => this.opened(sampleRate)));
    connection.on("/diffroll/audio/reconnected", ({ buffer }) => this.about(buffer, () => this.say("The input is back.")));
    connection.on("/diffroll/audio/vanished", ({ buffer, text }) => this.about(buffer, () => this.say(text)));
    connection.on("/diffroll/audio/level", (reply) => this.about(reply.buffer, () => this.measure(reply.rms, reply.peak)));
    connection.on("/diffroll/audio/overrun", ({ buffer, count }) => this.about(buffer, () => (this.facts.overruns = count)));
    connection.on("/diffroll/live/note", (reply) => this.about(reply.buffer, () => this.note(reply.index, reply)));
    connection.on("/diffroll/live/status", (reply) => this.about(reply.buffer, () => {
      const { hops, missed, late, load, latencyMs } = reply;
      this.facts = { ...this.facts, hops, missed, late, load, held: latencyMs };
      this.began = performance.now() - 1000 * reply.seconds;
    }));
    connection.on("/diffroll/error", ({ about, text }) => this.about(about, () => {
      this.listening = false;
      this.say(text);
    }));
  }

  /** Seconds since the input was opened. */
  get now(): number {
    return this.began ? (performance.now() - this.began) / 1000 : 0;
  }

  start(device: string, latency: number): void {
    sessionStorage.setItem("inputs", String(++this.count));
    this.buffer = `live ${this.count}`;
    this.notes.clear();
    this.spectrogram = null;
    this.began = this.level = this.peak = 0;
    this.clipped = false;
    this.delays = [];
    this.facts = { asked: latency, ...FRESH };
    this.listening = this.connection.send("/diffroll/audio/listen", this.buffer, device, latency);
    this.say(this.listening ? "Opening the input…" : "The daemon does not answer; try again when it is back.");
  }

  setLatency(latency: number): void {
    this.facts.asked = latency;
    if (this.listening) this.connection.send("/diffroll/live/set", this.buffer, "latency", latency);
  }

  /** Stop; the daemon keeps the last minutes as a recording. */
  stop(): void {
    this.listening = false;
    this.ended = this.now;
    this.connection.send("/diffroll/audio/close", this.buffer);
    this.say("");
  }

  /** The connection is lost, and with it what was being heard. */
  lose(): void {
    if (this.listening) this.say("The connection was lost; listen again when the daemon is back.");
    this.listening = false;
  }

  put(tile: Tile): void {
    this.spectrogram = joined(this.spectrogram, tile);
  }

  /** The notes that were heard, on the axis of a recording of the last `seconds`; what still sounded ends with it. */
  heard(seconds: number): Note[] {
    const begin = this.ended - seconds > SLACK ? this.ended - seconds : 0;
    return [...this.notes.values()]
      .map(({ duration, ...note }) => ({ ...note, t: note.t - begin, end: note.t - begin + (duration || this.ended - note.t) }))
      .filter(({ lane, t, end }) => lane !== "preview" && t < seconds && end > Math.max(0, t))
      .map(({ pitch, t, end, velocity }) => ({ pitch, t: Math.max(0, t), duration: Math.min(end, seconds) - Math.max(0, t), velocity }));
  }

  private about(buffer: string, work: () => void): void {
    if (buffer !== this.buffer || !buffer) return;
    work();
    this.changed();
  }

  private say(text: string): void {
    this.status = text;
    this.changed();
  }

  private opened(rate: number): void {
    this.began = performance.now();
    this.status = `Listening at ${(rate / 1000).toFixed(1)} kHz`;
    this.connection.send("/diffroll/audio/picture", this.buffer);
  }

  private measure(rms: number, peak: number): void {
    this.level = loudness(rms);
    this.peak = Math.max(loudness(peak), this.peak - PEAK_FALLS);
    this.clipped = this.clipped || peak > -0.1;
    if (!this.began) this.began = performance.now() - 1000 * LEVEL_SECONDS;
  }

  private note(index: number, reply: Omit<LiveNote, "lane"> & { lane: string }): void {
    const { pitch, t, duration, velocity } = reply;
    const lane = reply.lane as LiveNote["lane"];
    const before = this.notes.get(index);
    if (velocity === 0) {
      this.notes.delete(index);
      return;
    }
    if (lane === "commit" && before?.lane !== "commit") this.delays.push(1000 * (this.now - t));
    this.facts.seen = median(this.delays.slice(-MEASURED));
    this.notes.set(index, { pitch, t, duration, velocity, lane });
  }
}

/** From dBFS to the height of a bar. */
export function loudness(decibels: number): number {
  return Math.max(0, Math.min(1, 1 + decibels / 60));
}

export function median(values: readonly number[]): number | null {
  return values.length ? [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]! : null;
}
