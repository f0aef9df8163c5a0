// What is heard, as a WAV file: the recording and the notes at their faders.

import type { Note } from "../work/doc.js";
import { RINGS, strike } from "./instrument.js";
import type { Voice } from "./player.js";

const RATE = 44_100; // Hz
const CEILING = 0.98; // of full scale, which the loudest sample may reach

export async function mixdown(
  seconds: number,
  notes: readonly Note[],
  recording: AudioBuffer | null,
  levels: Record<Voice, number>,
): Promise<Blob> {
  const context = new OfflineAudioContext(1, Math.ceil((seconds + RINGS) * RATE), RATE);
  const gain = (which: Voice) => {
    const made = context.createGain();
    made.gain.value = levels[which] ** 2;
    made.connect(context.destination);
    return made;
  };
  if (recording) {
    const source = context.createBufferSource();
    source.buffer = recording;
    source.connect(gain("recording"));
    source.start();
  }
  const to = gain("notes");
  for (const note of notes) strike(context, to, note, note.t);
  const mixed = (await context.startRendering()).getChannelData(0);
  return new Blob([wav(mixed, RATE)], { type: "audio/wav" });
}

/** Write samples as a WAV file of 16 bits; what is louder than the file can hold is turned down as a whole. */
export function wav(samples: Float32Array, rate: number): ArrayBuffer {
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  const scale = 32767 * Math.min(1, CEILING / Math.max(loudest, 1e-9));
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at: number, letters: string) => [...letters].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of what follows about the format
  view.setUint16(20, 1, true); // whole numbers
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, index) => view.setInt16(44 + 2 * index, Math.round(sample * scale), true));
  return view.buffer;
}
