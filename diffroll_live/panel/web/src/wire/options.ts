// Written by script/build-panel from diffroll_live/limits.py and diffroll_live/server.

export type Option =
  | { kind: "number"; low: number; high: number; whole: boolean; start: number | null; unit: string;
      sentence: string }
  | { kind: "choice"; names: readonly string[]; start: string; unit: string; sentence: string }
  | { kind: "text"; start: string; unit: string; sentence: string };

export const JOB_OPTIONS = {
  quality: {"kind": "choice", "names": ["draft", "live", "best"], "start": "live", "unit": "", "sentence": "Draft is fastest, best is slowest; the model's card has the numbers of evaluations."},
  pedal: {"kind": "choice", "names": ["on", "off"], "start": "on", "unit": "", "sentence": "Also write the sustain pedal, where the model hears it."},
  bend: {"kind": "choice", "names": ["on", "off"], "start": "off", "unit": "", "sentence": "Also write how the pitch of each note glides, as MPE: for voices, strings and guitars."},
  sampler: {"kind": "choice", "names": ["ddim", "ddpm", "dpmpp-2m", "note-by-note", "thinning"], "start": "", "unit": "", "sentence": "How notes are drawn: the first three where audio is heard, the last two where notes are written; otherwise the model's own."},
  steps: {"kind": "number", "low": 1, "high": 1000, "whole": true, "start": null, "unit": "", "sentence": "Network evaluations per window or block; more is not always better, see the model's card."},
  guidance: {"kind": "number", "low": 0, "high": 20, "whole": false, "start": null, "unit": "", "sentence": "Guidance scale towards the audio, 0 is none; otherwise the model's own."},
  seed: {"kind": "number", "low": 0, "high": 2147483647, "whole": true, "start": 0, "unit": "", "sentence": "The same seed gives the same notes."},
  temperature: {"kind": "number", "low": 0, "high": 5, "whole": false, "start": 1.0, "unit": "", "sentence": "How freely pitches are chosen in the regions."},
  density: {"kind": "number", "low": 0, "high": 4, "whole": false, "start": 1.0, "unit": "", "sentence": "More (above 1) or fewer new notes than around."},
  polyphony: {"kind": "number", "low": 1, "high": 10, "whole": true, "start": null, "unit": "", "sentence": "New notes that may sound at once; otherwise as around."},
  threshold: {"kind": "number", "low": 0.01, "high": 0.99, "whole": false, "start": null, "unit": "", "sentence": "Onset probability that makes a note; otherwise the model's own."},
  min_note: {"kind": "number", "low": 0, "high": 10, "whole": false, "start": 0.03, "unit": "s", "sentence": "Drop notes shorter than this, in seconds."},
  variations: {"kind": "number", "low": 1, "high": 16, "whole": true, "start": 1, "unit": "", "sentence": "Number of versions, each in a file of its own."},
  seconds: {"kind": "number", "low": 0.1, "high": 600, "whole": false, "start": 8.0, "unit": "s", "sentence": "Length of the new music, in seconds."},
  shortest: {"kind": "text", "start": "", "unit": "", "sentence": "The shortest new note, such as 1/16; otherwise as around."},
  longest: {"kind": "text", "start": "", "unit": "", "sentence": "The longest new note, such as 1/2; otherwise as around."},
  range: {"kind": "text", "start": "", "unit": "", "sentence": "The lowest and the highest new note, such as C3-C5."},
  scale: {"kind": "text", "start": "", "unit": "", "sentence": "The scale of new notes, such as 'D minor' or Dmin; otherwise as around."},
  deliver: {"kind": "choice", "names": ["osc", "midi", "both"], "start": "both", "unit": "", "sentence": "Where notes go."},
  when: {"kind": "choice", "names": ["now", "transport", "never"], "start": "now", "unit": "", "sentence": ""},
  channel: {"kind": "number", "low": 1, "high": 16, "whole": true, "start": 1, "unit": "", "sentence": "The MIDI channel."},
  origin: {"kind": "number", "low": -360000.0, "high": 360000.0, "whole": false, "start": 0.0, "unit": "s", "sentence": ""},
  save: {"kind": "text", "start": "", "unit": "", "sentence": ""},
  quantize: {"kind": "text", "start": "", "unit": "", "sentence": ""},
  pictures: {"kind": "choice", "names": ["none", "posterior", "trajectory"], "start": "none", "unit": "", "sentence": ""},
} as const satisfies Record<string, Option>;

export const REGION_OPTIONS = {
  temperature: {"kind": "number", "low": 0, "high": 5, "whole": false, "start": null, "unit": "", "sentence": "How freely pitches are chosen in the regions."},
  density: {"kind": "number", "low": 0, "high": 4, "whole": false, "start": null, "unit": "", "sentence": "More (above 1) or fewer new notes than around."},
  polyphony: {"kind": "number", "low": 1, "high": 10, "whole": true, "start": null, "unit": "", "sentence": "New notes that may sound at once; otherwise as around."},
  shortest: {"kind": "text", "start": "", "unit": "", "sentence": "The shortest new note, such as 1/16; otherwise as around."},
  longest: {"kind": "text", "start": "", "unit": "", "sentence": "The longest new note, such as 1/2; otherwise as around."},
  range: {"kind": "text", "start": "", "unit": "", "sentence": "The lowest and the highest new note, such as C3-C5."},
  scale: {"kind": "text", "start": "", "unit": "", "sentence": "The scale of new notes, such as 'D minor' or Dmin; otherwise as around."},
} as const satisfies Record<string, Option>;

export const LIVE_OPTIONS = {
  latency: {"kind": "number", "low": 50, "high": 700, "whole": false, "start": 200.0, "unit": "ms", "sentence": "From sound to MIDI, in milliseconds."},
  lane: {"kind": "choice", "names": ["commit", "preview"], "start": "commit", "unit": "", "sentence": "Play notes on time, or as soon as they are likely."},
  deliver: {"kind": "choice", "names": ["osc", "midi", "both"], "start": "both", "unit": "", "sentence": "Where notes go."},
  channel: {"kind": "number", "low": 1, "high": 16, "whole": true, "start": 1, "unit": "", "sentence": "The MIDI channel."},
  pedal: {"kind": "choice", "names": ["on", "off"], "start": "on", "unit": "", "sentence": "Also write the sustain pedal, where the model hears it."},
} as const satisfies Record<string, Option>;

export const JAM_OPTIONS = {
  cue: {"kind": "text", "start": "none", "unit": "", "sentence": "What gives the model its turn: none, pedal, 'note N' or 'cc N'."},
  rest_bars: {"kind": "number", "low": 0, "high": 64, "whole": false, "start": 2.0, "unit": "", "sentence": "Bars of rest that give the model its turn; 0: none do."},
  tempo: {"kind": "number", "low": 20, "high": 400, "whole": false, "start": 120.0, "unit": "beats a minute", "sentence": "Tempo, where the DAW reports none."},
  beats: {"kind": "number", "low": 1, "high": 32, "whole": false, "start": 4.0, "unit": "", "sentence": "Quarter notes in a bar, where the DAW reports no metre."},
  memory: {"kind": "number", "low": 1, "high": 60, "whole": false, "start": 24.0, "unit": "s", "sentence": "Seconds of the past that the model continues."},
  ahead: {"kind": "number", "low": 0.5, "high": 30, "whole": false, "start": 4.0, "unit": "s", "sentence": "Seconds written at a time."},
  lead: {"kind": "number", "low": 0.05, "high": 5, "whole": false, "start": 0.12, "unit": "s", "sentence": "Seconds from the turn to the answer, at least."},
  quality: {"kind": "choice", "names": ["draft", "live", "best"], "start": "live", "unit": "", "sentence": "Draft is fastest, best is slowest; the model's card has the numbers of evaluations."},
  seed: {"kind": "number", "low": 0, "high": 2147483647, "whole": true, "start": 0, "unit": "", "sentence": "The same seed gives the same notes."},
  temperature: {"kind": "number", "low": 0, "high": 5, "whole": false, "start": 1.0, "unit": "", "sentence": "How freely pitches are chosen in the regions."},
  density: {"kind": "number", "low": 0, "high": 4, "whole": false, "start": 1.0, "unit": "", "sentence": "More (above 1) or fewer new notes than around."},
  polyphony: {"kind": "number", "low": 1, "high": 10, "whole": true, "start": null, "unit": "", "sentence": "New notes that may sound at once; otherwise as around."},
  shortest: {"kind": "text", "start": "", "unit": "", "sentence": "The shortest new note, such as 1/16; otherwise as around."},
  longest: {"kind": "text", "start": "", "unit": "", "sentence": "The longest new note, such as 1/2; otherwise as around."},
  range: {"kind": "text", "start": "", "unit": "", "sentence": "The lowest and the highest new note, such as C3-C5."},
  scale: {"kind": "text", "start": "", "unit": "", "sentence": "The scale of new notes, such as 'D minor' or Dmin; otherwise as around."},
  channel: {"kind": "number", "low": 1, "high": 16, "whole": true, "start": 1, "unit": "", "sentence": "The MIDI channel."},
} as const satisfies Record<string, Option>;

export const SCALES = ["major", "minor", "harmonic minor", "melodic minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian", "major pentatonic", "minor pentatonic", "blues", "whole tone", "octatonic", "chromatic"];
