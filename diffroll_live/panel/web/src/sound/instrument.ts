// A plain struck string, for hearing notes without anything else: three partials that fade as a piano's do.

import type { Note } from "../work/doc.js";

const PARTIALS = [[1, 1], [2, 0.35], [3, 0.12]] as const; // multiple of the frequency, share of the loudness
const HIGHEST = 12_000; // Hz of a partial
export const RINGS = 0.5; // s that a note is still heard after its end

/** Play a note on `to`, from `begin` on the context's clock. */
export function strike(context: BaseAudioContext, to: AudioNode, note: Note, begin: number): void {
  const end = begin + Math.max(0.05, note.duration);
  const loud = 0.3 * (note.velocity / 127) ** 1.5;
  const frequency = 440 * 2 ** ((note.pitch - 69) / 12);
  const envelope = context.createGain();
  envelope.gain.setValueAtTime(0, begin);
  envelope.gain.linearRampToValueAtTime(loud, begin + 0.005);
  envelope.gain.setTargetAtTime(0.15 * loud, begin + 0.005, 60 / (note.pitch + 10) / 2);
  envelope.gain.setTargetAtTime(0, end, 0.06);
  envelope.connect(to);
  for (const [multiple, share] of PARTIALS) {
    if (frequency * multiple > HIGHEST) continue;
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    oscillator.frequency.value = frequency * multiple * (1 + 0.0002 * multiple * multiple);
    gain.gain.value = share;
    oscillator.connect(gain).connect(envelope);
    oscillator.start(begin);
    oscillator.stop(end + RINGS);
  }
}
