// The colours of both themes on the canvas; the page's own are in panel.css.

import { type Palette, palette } from "./tiles.js";

export type NoteColours = readonly [fill: string, onset: string];

export interface Colours {
  ground: string;
  black: string; // rows of black keys
  line: string;
  strong: string; // bars, octaves
  text: string;
  kept: NoteColours; // a note that was there
  written: NoteColours; // one that the last job wrote
  locked: NoteColours;
  selected: string;
  hidden: string; // a region the model does not hear
  heard: string;
  playhead: string;
  preview: NoteColours; // live notes, by lane
  commit: NoteColours;
  revise: NoteColours;
  white: string; // keys
  ebony: string;
  keyText: string;
  spectrogram: Palette;
  likely: Palette;
}

const DARK: Colours = {
  ground: "#10141a",
  black: "#0c0f14",
  line: "#1d232d",
  strong: "#323b49",
  text: "#98a3b3",
  kept: ["#58c4b8", "#b5f1ea"],
  written: ["#f0a355", "#ffdcb2"],
  locked: ["#c9d2e3", "#ffffff"],
  selected: "#ffffff",
  hidden: "#f0a355",
  heard: "#6aa9f7",
  playhead: "#ff5d6c",
  preview: ["#5a6577", "#7d899c"],
  commit: ["#58c4b8", "#b5f1ea"],
  revise: ["#a48bf0", "#d6c8ff"],
  white: "#e6e9ee",
  ebony: "#262c36",
  keyText: "#39414d",
  spectrogram: palette([
    [0, 16, 20, 26, 255],
    [70, 20, 26, 48, 255],
    [130, 72, 38, 110, 255],
    [180, 176, 62, 104, 255],
    [220, 244, 140, 70, 255],
    [255, 253, 238, 178, 255],
  ]),
  likely: palette([
    [0, 106, 169, 247, 0],
    [40, 106, 169, 247, 12],
    [255, 150, 196, 255, 165],
  ]),
};

const LIGHT: Colours = {
  ground: "#ffffff",
  black: "#f4f5f7",
  line: "#e8ebef",
  strong: "#c9d0d9",
  text: "#535e6e",
  kept: ["#1b8f84", "#0b4f48"],
  written: ["#d97a16", "#8f4c05"],
  locked: ["#4a566a", "#1c2530"],
  selected: "#10141a",
  hidden: "#c46a0c",
  heard: "#2a6fd0",
  playhead: "#d3273c",
  preview: ["#b4bcc8", "#8e99a8"],
  commit: ["#1b8f84", "#0b4f48"],
  revise: ["#7a5ad6", "#43289a"],
  white: "#ffffff",
  ebony: "#39414d",
  keyText: "#535e6e",
  spectrogram: palette([
    [0, 255, 255, 255, 255],
    [90, 238, 240, 248, 255],
    [150, 176, 178, 222, 255],
    [200, 116, 84, 164, 255],
    [255, 48, 16, 74, 255],
  ]),
  likely: palette([
    [0, 42, 111, 208, 0],
    [40, 42, 111, 208, 12],
    [255, 42, 111, 208, 130],
  ]),
};

export type Theme = "dark" | "light";

export function coloursOf(theme: Theme): Colours {
  return theme === "dark" ? DARK : LIGHT;
}
