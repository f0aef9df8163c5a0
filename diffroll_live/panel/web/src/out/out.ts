// What leaves the page: MIDI files that are saved or dragged into another program, sound, pictures, animations.

import type { App } from "../app.js";
import { click, element, input, make } from "../controls/elements.js";
import { mixdown } from "../sound/mixdown.js";
import type { Stage } from "../stage/stage.js";
import { type Doc, notesOf } from "../work/doc.js";
import { animation } from "./animation.js";

export function bindOut(app: App, stage: Stage): void {
  const save = (blob: Blob | null, ending: string) => {
    if (!blob) return app.say("There is nothing to save yet.");
    const url = URL.createObjectURL(blob);
    make("a", "", { href: url, download: `${named(app.doc)}.${ending}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  const midi = new MidiFile(app);
  click("save", () => void app.attempt(async () => make("a", "", { href: await midi.url(), download: `${named(app.doc)}.mid` }).click()));
  click("picture", () => void stage.picture().then((blob) => save(blob, "png")));
  click("gif", () => {
    const made = animation(app.pictures.trajectory, app.doc.variations[0] ?? []);
    if (made) save(made, "gif");
    else app.say("Only what was just sampled has a trajectory; transcribe or fill first.");
  });
  click("wav", () => {
    void app.attempt(async () => {
      if (!app.doc.seconds) return app.say("There is nothing to hear yet.");
      app.say("Mixing…");
      save(await mixdown(app.doc.seconds, notesOf(app.doc), app.player.recording, app.player.levels), "wav");
      app.say("");
    });
  });
  click("todaw", () => void app.playOnPort());
  click("give", () => void app.giveBack());
  bindDrag(app, midi);
  bindDrop(app);
}

function named(doc: Doc): string {
  return doc.title.replace(/\.[^.]*$/, "").replace(/[^\w -]/g, "") || "notes";
}

/** The MIDI file of what is shown, written by the daemon; once for the same notes. */
class MidiFile {
  private made: { notes: unknown; meter: unknown; by: unknown; url: Promise<string> } | null = null;

  constructor(private app: App) {}

  url(): Promise<string> {
    const doc = this.app.steps.doc;
    const [notes, { meter }, by] = [notesOf(doc), doc, this.app.daemon.welcome]; // a daemon's files end with it
    if (this.made?.notes !== notes || this.made.meter !== meter || this.made.by !== by) {
      const made = { notes, meter, by, url: this.write(doc) };
      made.url.catch(() => {
        if (this.made === made) this.made = null;
      });
      this.made = made;
    }
    return this.made.url;
  }

  private async write(doc: Doc): Promise<string> {
    const { path, url } = await this.app.transfers.newMidi();
    await this.app.jobs.save(doc, path);
    return url;
  }
}

/** The chip that is dragged into a track. Its file must exist before the drag begins, for a drag cannot wait. */
function bindDrag(app: App, midi: MidiFile): void {
  const chip = element<HTMLAnchorElement>("drag");
  const prepare = () => {
    void midi.url().then((url) => {
      chip.href = url;
      chip.download = `${named(app.doc)}.mid`;
    }, () => undefined);
  };
  for (const event of ["pointerenter", "pointerdown", "focus"]) chip.addEventListener(event, prepare);
  chip.addEventListener("dragstart", (event) => {
    if (!chip.href) return event.preventDefault();
    event.dataTransfer?.setData("DownloadURL", `audio/midi:${chip.download}:${chip.href}`);
    event.dataTransfer?.setData("text/uri-list", chip.href);
  });
  chip.addEventListener("click", (event) => {
    if (!chip.href) event.preventDefault();
  });
}

export function showDrag(app: App): void {
  const chip = element<HTMLAnchorElement>("drag");
  const none = !notesOf(app.doc).length || app.link !== "open" || app.rolling !== null;
  if (chip.hidden !== none) chip.hidden = none;
}

function bindDrop(app: App): void {
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
    if (file) void app.opening.file(file);
  });
  input("file").title = "A recording or a MIDI file";
}
