"""Pictures of the panel's states, with the real model: ``PYTHONPATH=tests python -m support.panel_pictures FOLDER``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from support.browser import Person, chromium

SIZE = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}
SERVE = ("serve", "--port", "0", "--panel", "0", "--midi-api", "none", "--spool", "none")


def take(folder: Path, address: str) -> None:
    """Go through the states and save a picture of each."""
    with chromium() as browser:
        page = browser.new_page(viewport=SIZE)
        person = Person(page, address)

        def save(name: str) -> None:
            page.wait_for_load_state("networkidle")
            page.screenshot(path=folder / f"{name}.png")

        person.sees("#link", "ready")
        save("empty")
        person.opens_the_clip()
        person.transcribes()
        save("transcribed")
        person.paints(0.42, 0.5, 0.62, 0.92)
        save("painting")
        page.fill("#count", "3")
        person.presses("#fill")
        person.sees("#history", "Fill, seed 0")
        save("filled")
        person.presses("#theme")
        save("light")
        page.set_viewport_size(PHONE)
        save("phone")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "diffroll_live", *SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stdout is not None
            found = (re.match(r"The panel: (\S+)", line) for line in daemon.stdout)
            take(folder, next(match[1] for match in found if match))
        finally:
            daemon.terminate()


if __name__ == "__main__":
    main()
