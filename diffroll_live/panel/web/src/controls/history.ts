// The steps so far, each to go back to.

import type { App } from "../app.js";
import { element, fill, make } from "./elements.js";

export function showHistory(app: App): void {
  const { labels } = app.steps;
  const current = labels.findIndex((label) => label.current);
  const before = element("history").dataset["key"];
  fill("history", labels, () =>
    labels.map(({ label }, index) => {
      const item = make("li", "", { className: index > current ? "undone" : "" });
      const entry = make("button", label, { onclick: () => app.travel((steps) => steps.goTo(index)) });
      if (index === current) entry.setAttribute("aria-current", "true");
      item.append(entry);
      return item;
    }),
  );
  if (element("history").dataset["key"] === before) return;
  const list = element("history");
  const shown = list.children[current] as HTMLElement | undefined;
  if (shown) list.scrollTop = shown.offsetTop - list.offsetTop - list.clientHeight / 2;
}
