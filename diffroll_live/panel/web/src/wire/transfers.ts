// Files to and from the daemon, over HTTP. A failure is an Error whose message is the daemon's sentence.

import type { Note } from "../work/doc.js";
import type { Change } from "../work/meter.js";

export interface Score {
  notes: Note[];
  meter: Change[];
  leftOut: string[]; // what else its file holds, in words
}

export class Transfers {
  constructor(private session: string, private token: () => string) {}

  /** Upload a recording, and return the path under which the daemon can read it. */
  async upload(file: Blob, name: string): Promise<string> {
    const answer = await this.post(`/audio?name=${encodeURIComponent(name)}`, file);
    return ((await answer.json()) as { path: string }).path;
  }

  async clip(): Promise<string> {
    return ((await (await this.post("/clip", "")).json()) as { path: string }).path;
  }

  async readMidi(file: Blob): Promise<Score> {
    const answer = (await (await this.post("/midi/read", file)).json()) as {
      notes: [number, number, number, number][];
      changes: [number, number, number, number, number][];
      left_out: string[];
    };
    return {
      notes: answer.notes.map(([pitch, t, duration, velocity]) => ({ pitch, t, duration, velocity })),
      meter: answer.changes.map(([t, bpm, numerator, denominator, beat]) => ({ t, bpm, numerator, denominator, beat })),
      leftOut: answer.left_out,
    };
  }

  /** Name a MIDI file: where the daemon is to write it, and the address from which any program can then fetch it. */
  async newMidi(): Promise<{ path: string; url: string }> {
    const { path, key } = (await (await this.post("/midi", "")).json()) as { path: string; key: string };
    return { path, url: `${location.origin}/midi/${key}` };
  }

  /** Fetch a buffer as a WAV file. */
  async download(buffer: string): Promise<ArrayBuffer> {
    const query = `session=${this.session}&buffer=${encodeURIComponent(buffer)}`;
    return (await this.fetch(`/audio?${query}`, {})).arrayBuffer();
  }

  private post(path: string, body: BodyInit): Promise<Response> {
    return this.fetch(path, { method: "POST", body });
  }

  private async fetch(path: string, options: RequestInit): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.token()}` };
    const answer = await fetch(path, { ...options, headers }).catch(() => null);
    if (answer === null) throw new Error("The daemon does not answer; the file was not transferred.");
    if (!answer.ok) {
      const failure = (await answer.json().catch(() => ({}))) as { text?: string };
      throw new Error(failure.text ?? `The daemon answered ${answer.status}.`);
    }
    return answer;
  }
}
