// What leaves the page: a MIDI file that is saved, or dragged into another program, and a picture.

import type { App } from "./app.js";
import { notesOf } from "./doc.js";
import { element, input, make } from "./elements.js";
import type { Stage } from "./stage.js";

const DEFAULT_TEMPO = 120;

export function bindOut(app: App, stage: Stage): void {
  const chip = element<HTMLAnchorElement>("drag");
  let made: { notes: unknown; url: string } | null = null;

  /** The address of a MIDI file of the notes that are shown; made once for the same notes. */
  const address = async (): Promise<string> => {
    const notes = notesOf(app.steps.doc);
    if (made?.notes !== notes) made = { notes, url: await app.transfers.writeMidi(notes, app.tempo || DEFAULT_TEMPO, app.metre) };
    return made.url;
  };
  const name = () => `${app.doc.title.replace(/\.[^.]*$/, "").replace(/[^\w -]/g, "") || "notes"}.mid`;

  element("save").addEventListener("click", () => {
    void address().then(
      (url) => make("a", "", { href: url, download: name() }).click(),
      (error: Error) => app.say(error.message),
    );
  });
  element("picture").addEventListener("click", () => {
    void stage.picture().then((blob) => {
      if (!blob) return;
      const url = URL.createObjectURL(blob);
      make("a", "", { href: url, download: name().replace(/mid$/, "png") }).click();
      URL.revokeObjectURL(url);
    });
  });
  // The file must exist before a drag begins, for a drag cannot wait.
  const prepare = () => {
    chip.hidden = !notesOf(app.steps.doc).length;
    if (!chip.hidden && app.connection.isOpen) {
      void address().then((url) => {
        chip.href = url;
        chip.download = name();
      }, () => undefined);
    }
  };
  for (const event of ["pointerenter", "focus"]) chip.addEventListener(event, prepare);
  chip.addEventListener("dragstart", (event) => {
    event.dataTransfer?.setData("DownloadURL", `audio/midi:${name()}:${chip.href}`);
    event.dataTransfer?.setData("text/uri-list", chip.href);
  });
  app.connection.on("/diffroll/job/done", () => setTimeout(prepare));

  const over = (on: boolean) => element("stage").classList.toggle("over", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", () => over(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    const file = event.dataTransfer?.files[0];
    if (file) void app.open(file);
  });
  input("file").title = "A recording or a MIDI file";
}
