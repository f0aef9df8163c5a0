// Files to and from the daemon, over HTTP. A failure is an Error whose message is the daemon's sentence.

import type { Note } from "./doc.js";

export class Transfers {
  constructor(private session: string, private token: string) {}

  /** Upload a recording, and return the path under which the daemon can read it. */
  async upload(file: File): Promise<string> {
    const answer = await this.post(`/audio?name=${encodeURIComponent(file.name)}`, file);
    return ((await answer.json()) as { path: string }).path;
  }

  async clip(): Promise<string> {
    return ((await (await this.post("/clip", "")).json()) as { path: string }).path;
  }

  async readMidi(file: File): Promise<Note[]> {
    const { notes } = (await (await this.post("/midi/read", file)).json()) as { notes: [number, number, number, number][] };
    return notes.map(([pitch, t, duration, velocity]) => ({ pitch, t, duration, velocity }));
  }

  /** Make a MIDI file, and return the address from which any program can fetch it. */
  async writeMidi(notes: readonly Note[], tempo: number, metre: [number, number]): Promise<string> {
    const rows = notes.map((note) => [note.pitch, note.t, note.duration, note.velocity]);
    const answer = await this.post("/midi", JSON.stringify({ notes: rows, tempo, metre }));
    return `${location.origin}/midi/${((await answer.json()) as { key: string }).key}`;
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
    const headers = { Authorization: `Bearer ${this.token}` };
    const answer = await fetch(path, { ...options, headers }).catch(() => null);
    if (answer === null) throw new Error("The daemon does not answer; the file was not transferred.");
    if (!answer.ok) {
      const failure = (await answer.json().catch(() => ({}))) as { text?: string };
      throw new Error(failure.text ?? `The daemon answered ${answer.status}.`);
    }
    return answer;
  }
}
