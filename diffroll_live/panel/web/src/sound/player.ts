// The recording and the notes, each through its own fader.

import type { Note } from "../work/doc.js";
import { strike } from "./instrument.js";

const LOOK_AHEAD = 0.15; // s that are scheduled at a time
const TICK = 40; // ms
const AUDITION = 0.4; // s of a note that is only tried

export type Voice = "recording" | "notes";

export class Player {
  readonly levels: Record<Voice, number> = { recording: 0.8, notes: 0.7 };
  playing = false;
  notes: readonly Note[] = [];
  recording: AudioBuffer | null = null;
  private context: AudioContext | null = null;
  private gains: Record<Voice, GainNode> | null = null;
  private source: AudioBufferSourceNode | null = null;
  private timer = 0;
  private origin = 0; // the context's time of second 0
  private scheduled = 0; // s; notes that begin before it are on their way
  private at = 0; // s; where it stands or stood

  constructor(private ended: () => void) {}

  get position(): number {
    return this.playing && this.context ? Math.max(0, this.context.currentTime - this.origin) : this.at;
  }

  async load(data: ArrayBuffer | null): Promise<void> {
    this.stop();
    this.recording = data ? await this.ready().decodeAudioData(data) : null;
  }

  setLevel(which: Voice, level: number): void {
    this.levels[which] = level;
    this.gains?.[which].gain.setTargetAtTime(level * level, this.context!.currentTime, 0.01);
  }

  /** Play a key on its own, now. */
  audition(pitch: number, velocity: number): void {
    const context = this.ready();
    void context.resume();
    strike(context, this.gains!.notes, { pitch, t: 0, duration: AUDITION, velocity }, context.currentTime);
  }

  async play(seconds: number): Promise<void> {
    const context = this.ready();
    await context.resume();
    if (this.at >= seconds - 0.01) this.at = 0;
    this.playing = true;
    this.origin = context.currentTime + 0.03 - this.at;
    this.scheduled = this.at;
    if (this.recording) {
      this.source = context.createBufferSource();
      this.source.buffer = this.recording;
      this.source.connect(this.gains!.recording);
      this.source.start(this.origin + this.at, this.at);
    }
    this.timer = window.setInterval(() => this.tick(seconds), TICK);
    this.tick(seconds);
  }

  stop(): void {
    if (!this.playing) return;
    this.at = this.position;
    this.playing = false;
    clearInterval(this.timer);
    this.source?.stop();
    this.source = null;
    // What is scheduled goes with its gain.
    this.gains!.notes.disconnect();
    this.gains!.notes = this.gain("notes");
  }

  seek(second: number, seconds: number): void {
    const playing = this.playing;
    this.stop();
    this.at = Math.max(0, second);
    if (playing) void this.play(seconds);
  }

  private ready(): AudioContext {
    this.context ??= new AudioContext();
    this.gains ??= { recording: this.gain("recording"), notes: this.gain("notes") };
    return this.context;
  }

  private gain(which: Voice): GainNode {
    const gain = this.context!.createGain();
    gain.gain.value = this.levels[which] ** 2;
    gain.connect(this.context!.destination);
    return gain;
  }

  private tick(seconds: number): void {
    const until = this.position + LOOK_AHEAD;
    const context = this.context!;
    for (const note of this.notes) {
      if (note.t >= until) break;
      if (note.t < this.scheduled) continue;
      strike(context, this.gains!.notes, note, Math.max(context.currentTime, this.origin + note.t));
    }
    this.scheduled = until;
    if (this.position < seconds) return;
    this.stop();
    this.at = 0;
    this.ended();
  }
}
