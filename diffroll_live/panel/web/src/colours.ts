// The colours of both themes; the page's own are in panel.css.

import { type Palette, palette } from "./tiles.js";

export interface Colours {
  ground: string;
  black: string; // rows of black keys
  line: string;
  strong: string; // bars, octaves
  text: string;
  kept: [string, string]; // a note that was there, its outline
  written: [string, string]; // one that the last job wrote
  selected: string;
  hidden: string; // a region the model does not hear
  heard: string;
  playhead: string;
  preview: string; // live notes, by lane
  commit: string;
  revise: string;
  spectrogram: Palette;
  posterior: Palette;
}

const DARK: Colours = {
  ground: "#0f1217",
  black: "#0b0d11",
  line: "#1c212a",
  strong: "#2f3744",
  text: "#8d98a8",
  kept: ["#58c4b8", "#a4ece3"],
  written: ["#f0a355", "#ffd9ac"],
  selected: "#ffffff",
  hidden: "#f0a355",
  heard: "#6aa9f7",
  playhead: "#ff5d6c",
  preview: "#566071",
  commit: "#58c4b8",
  revise: "#a48bf0",
  spectrogram: palette([
    [0, 15, 18, 23, 255],
    [70, 20, 26, 48, 255],
    [130, 72, 38, 110, 255],
    [180, 176, 62, 104, 255],
    [220, 244, 140, 70, 255],
    [255, 253, 238, 178, 255],
  ]),
  posterior: palette([
    [0, 106, 169, 247, 0],
    [40, 106, 169, 247, 10],
    [255, 150, 196, 255, 150],
  ]),
};

const LIGHT: Colours = {
  ground: "#ffffff",
  black: "#f4f5f7",
  line: "#e8ebef",
  strong: "#cdd3db",
  text: "#566071",
  kept: ["#1b8f84", "#0c5d55"],
  written: ["#d97a16", "#8f4c05"],
  selected: "#10141a",
  hidden: "#c46a0c",
  heard: "#2a6fd0",
  playhead: "#d3273c",
  preview: "#aab3bf",
  commit: "#1b8f84",
  revise: "#6a47cf",
  spectrogram: palette([
    [0, 255, 255, 255, 255],
    [90, 238, 240, 248, 255],
    [150, 176, 178, 222, 255],
    [200, 116, 84, 164, 255],
    [255, 48, 16, 74, 255],
  ]),
  posterior: palette([
    [0, 42, 111, 208, 0],
    [40, 42, 111, 208, 10],
    [255, 42, 111, 208, 120],
  ]),
};

export type Theme = "dark" | "light";

export function coloursOf(theme: Theme): Colours {
  return theme === "dark" ? DARK : LIGHT;
}
