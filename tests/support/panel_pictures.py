"""Pictures of the panel's states with the real model, as ``script/panel-pictures FOLDER`` takes them for the README.

With ``--all``, also of states that only its makers look at. A daemon of its own, Debian's Chromium, a JACK server
without hardware for the live input; each picture is a PNG of 256 colours below 200 kB.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from diffroll_live.audio.jack.server import SAMPLE_RATE, DummyJack
from diffroll_live.bench.jack_player import JackPlayer
from diffroll_live.files.audio_file import read_audio
from support.browser import Person, chromium
from support.paths import EXAMPLES

SIZE = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}
SERVE = ("serve", "--port", "0", "--panel", "0", "--midi-api", "jack", "--spool", "none")
PLAYER = "piano"
LARGEST = 200_000  # bytes
TAKES = 6  # of the live input, until none of its hops is missed
KEPT_UP = re.compile(r"Hops missed0 of [3-9]\d")
BUSY = "The machine is too busy for a live input; take its picture when nothing else runs."


def take(folder: Path, address: str, player: JackPlayer, *, everything: bool) -> None:
    """Go through the states and save a picture of each."""
    with chromium() as browser:
        page = browser.new_page(viewport=SIZE, color_scheme="dark")
        person = Person(page, address)
        save(person, folder / "empty.png")
        person.opens_the_clip()
        person.transcribes()
        save(person, folder / "transcribed.png")
        person.paints(0.42, 0.5, 0.62, 0.92)
        person.sees("#selected", "Region 1 of 1")
        save(person, folder / "painting.png")
        page.fill("#dial-variations", "3")
        person.presses("#fill")
        person.sees("#history", "Fill, seed 0")
        save(person, folder / "filled.png")
        if everything:
            others(person, folder)
        live(person, player, folder / "live.png")


def others(person: Person, folder: Path) -> None:
    """Look at the other sections, at the light theme, and at a phone's width."""
    page = person.page
    for section in ("out", "state", "write"):
        person.opens(section)
        save(person, folder / f"{section}.png")
    page.emulate_media(color_scheme="light")
    save(person, folder / "light.png")
    page.set_viewport_size(PHONE)
    save(person, folder / "phone.png")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(SIZE)


def live(person: Person, player: JackPlayer, path: Path) -> None:
    """Listen to somebody who plays the clip, again where the machine was too busy to keep up."""
    clip = read_audio(EXAMPLES / "clip.flac", name="clip", max_seconds=60.0)
    at = np.arange(0, len(clip.samples), clip.sample_rate / SAMPLE_RATE)
    samples = np.interp(at, np.arange(len(clip.samples)), clip.samples).astype(np.float32)
    person.opens("live")
    device = person.page.locator("#device option", has_text=PLAYER).first
    person.page.select_option("#device", value=device.get_attribute("value"))
    facts = person.page.locator("#liveFacts")
    for _ in range(TAKES):
        person.presses("#listen")
        person.sees("#liveStatus", "Listening")
        playing = threading.Thread(target=player.play, args=(samples,))
        playing.start()
        expect(person.page.locator("#canvas")).to_have_attribute("data-notes", re.compile("^[4-9][0-9]$"))
        expect(facts).to_contain_text(re.compile(r"of [3-9]\d"))
        kept_up = KEPT_UP.search(facts.text_content() or "") is not None
        if kept_up:
            save(person, path)
        playing.join()
        person.presses("#listen")
        person.sees("#title", "Live input")
        if kept_up:
            return
    raise SystemExit(BUSY)


def save(person: Person, path: Path) -> None:
    """Take a picture once the page has settled, of as many colours as it takes to be small."""
    page = person.page
    person.sees("#link", "ready")
    page.mouse.move(4, 4)
    page.wait_for_load_state("networkidle")
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (256, 128, 64):
        shot.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < LARGEST:
            return


@contextmanager
def daemon() -> Iterator[str]:
    """Run a daemon; give the address of its panel."""
    command = [sys.executable, "-m", "diffroll_live", *SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            found = (re.match(r"The panel: (\S+)", line) for line in running.stdout)
            yield next(match[1] for match in found if match)
        finally:
            running.terminate()


def main() -> None:
    folder, everything = Path(sys.argv[1]), "--all" in sys.argv
    folder.mkdir(parents=True, exist_ok=True)
    with DummyJack(f"diffroll-pictures-{os.getpid()}") as jack:
        os.environ.update(jack.environment)
        with JackPlayer(PLAYER) as player, daemon() as address:
            take(folder, address, player, everything=everything)


if __name__ == "__main__":
    main()
