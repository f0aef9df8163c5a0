// What the chosen region wishes for of its own notes; where it wishes for nothing, the next request decides.

import type { App } from "../app.js";
import type { Settings } from "../daemon/request.js";
import { REGION_OPTIONS } from "../wire/options.js";
import { type Dial, NOTE_DIALS, SCALE_NAMES, buildDialsOf, readDialsOf } from "./dials.js";
import { element, input } from "./elements.js";

const DIALS: readonly Dial[] = [
  { key: "temperature", label: "Temperature", look: "field", step: 0.05, none: "as asked" },
  { key: "density", label: "Density", look: "field", step: 0.05, none: "as asked" },
  ...NOTE_DIALS,
  { key: "scale", label: "Scale", look: "choice", choices: SCALE_NAMES },
];

export function bindWishes(app: App): void {
  buildDialsOf("wishDials", "wish", DIALS, REGION_OPTIONS);
  element("wishDials").addEventListener("change", () => {
    const region = app.doc.regions[app.region];
    if (region) app.editing.changeRegion(app.region, { ...region, wishes: readDialsOf("wish", DIALS) });
  });
}

export function showWishes(wishes: Settings): void {
  for (const { key } of DIALS) {
    const dial = input(`wish-${key}`);
    if (document.activeElement !== dial) dial.value = String(wishes[key] ?? "");
  }
}
