// The sections beside the roll, as tabs: one is shown, the arrows go from one to the next.

import { element } from "./elements.js";

const NAMES = ["write", "out", "live", "state"] as const;
export type Section = (typeof NAMES)[number];

export function showSection(name: Section): void {
  for (const each of NAMES) {
    const tab = element(`tab-${each}`);
    tab.setAttribute("aria-selected", String(each === name));
    tab.tabIndex = each === name ? 0 : -1;
    element(`section-${each}`).hidden = each !== name;
  }
  sessionStorage.setItem("section", name);
}

export function bindSections(shown: (name: Section) => void): void {
  NAMES.forEach((name, index) => {
    const tab = element(`tab-${name}`);
    tab.addEventListener("click", () => {
      showSection(name);
      shown(name);
    });
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const next = element(`tab-${NAMES[(index + by + NAMES.length) % NAMES.length]!}`);
      next.focus();
      next.click();
    });
  });
  const kept = sessionStorage.getItem("section") as Section | null;
  showSection(kept && NAMES.includes(kept) ? kept : "write");
}
