// The recording and the notes, each through its own fader: WebAudio, and a plain struck-string sound.

import type { Note } from "./doc.js";

const LOOK_AHEAD = 0.15; // s that are scheduled at a time
const TICK = 40; // ms

export class Player {
  private context: AudioContext | null = null;
  private recordingGain: GainNode | null = null;
  private notesGain: GainNode | null = null;
  private source: AudioBufferSourceNode | null = null;
  private recording: AudioBuffer | null = null;
  private timer = 0;
  private origin = 0; // the context's time of second 0
  private scheduled = 0; // s; notes that begin before it are on their way
  private at = 0; // s; where it stands or stood
  private levels = { recording: 0.8, notes: 0.7 };
  playing = false;
  notes: readonly Note[] = [];

  constructor(private ended: () => void) {}

  get position(): number {
    return this.playing && this.context ? Math.max(0, this.context.currentTime - this.origin) : this.at;
  }

  async load(data: ArrayBuffer | null): Promise<void> {
    this.stop();
    this.recording = data ? await this.ready().decodeAudioData(data) : null;
  }

  setLevel(which: "recording" | "notes", level: number): void {
    this.levels[which] = level;
    const gain = which === "recording" ? this.recordingGain : this.notesGain;
    gain?.gain.setTargetAtTime(level * level, this.context!.currentTime, 0.01);
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
      this.source.connect(this.recordingGain!);
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
    this.notesGain?.disconnect();
    this.notesGain = this.gain("notes");
  }

  seek(second: number, seconds: number): void {
    const playing = this.playing;
    this.stop();
    this.at = Math.max(0, second);
    if (playing) void this.play(seconds);
  }

  private ready(): AudioContext {
    if (!this.context) {
      this.context = new AudioContext();
      this.recordingGain = this.gain("recording");
      this.notesGain = this.gain("notes");
    }
    return this.context;
  }

  private gain(which: "recording" | "notes"): GainNode {
    const gain = this.context!.createGain();
    gain.gain.value = this.levels[which] ** 2;
    gain.connect(this.context!.destination);
    return gain;
  }

  private tick(seconds: number): void {
    const until = this.position + LOOK_AHEAD;
    for (const note of this.notes) {
      if (note.t >= until) break;
      if (note.t >= this.scheduled) this.strike(note);
    }
    this.scheduled = until;
    if (this.position >= seconds) {
      this.stop();
      this.at = 0;
      this.ended();
    }
  }

  private strike(note: Note): void {
    const context = this.context!;
    const begin = Math.max(context.currentTime, this.origin + note.t);
    const end = begin + Math.max(0.05, note.duration);
    const loud = 0.3 * (note.velocity / 127) ** 1.5;
    const frequency = 440 * 2 ** ((note.pitch - 69) / 12);
    const envelope = context.createGain();
    envelope.gain.setValueAtTime(0, begin);
    envelope.gain.linearRampToValueAtTime(loud, begin + 0.005);
    envelope.gain.setTargetAtTime(0.15 * loud, begin + 0.005, 60 / (note.pitch + 10) / 2);
    envelope.gain.setTargetAtTime(0, end, 0.06);
    envelope.connect(this.notesGain!);
    for (const [multiple, share] of [[1, 1], [2, 0.35], [3, 0.12]] as const) {
      if (frequency * multiple > 12000) continue;
      const oscillator = context.createOscillator();
      const gain = context.createGain();
      oscillator.frequency.value = frequency * multiple * (1 + 0.0002 * multiple * multiple);
      gain.gain.value = share;
      oscillator.connect(gain).connect(envelope);
      oscillator.start(begin);
      oscillator.stop(end + 0.5);
    }
  }
}
