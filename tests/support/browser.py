"""The panel in Debian's Chromium: what a person sees and does there. Needs no network, and downloads no browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

FLAGS = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
SECONDS = 30.0  # only a failing test waits for it
expect.set_options(timeout=1000 * SECONDS)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        yield browser
        browser.close()


class Person:
    """Someone at a page of the panel."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(address)

    def sees(self, element: str, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator(element)).to_contain_text(text)

    def presses(self, element: str) -> None:
        self.page.click(element)

    def opens_the_clip(self) -> None:
        self.sees("#link", "ready")
        self.presses("#clip")
        self.sees("#title", "The shipped clip")

    def transcribes(self) -> None:
        self.presses("#transcribe")
        self.sees("#message", "notes in")

    def paints(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Drag from one point of the canvas to another, in shares of its size."""
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + x0 * box["width"], box["y"] + y0 * box["height"])
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + x1 * box["width"], box["y"] + y1 * box["height"], steps=4)
        self.page.mouse.up()

    def slides(self, element: str, value: float) -> None:
        self.page.locator(element).fill(str(value))

    def stored(self, name: str) -> Any:
        """What the page keeps for a reload; read past its Content-Security-Policy, which forbids eval."""
        session = self.page.context.new_cdp_session(self.page)
        asked = {"expression": f"sessionStorage.getItem({name!r})", "returnByValue": True}
        value = session.send("Runtime.evaluate", asked)["result"]["value"]
        session.detach()
        return json.loads(value) if name == "steps" and value else value

    @property
    def doc(self) -> dict[str, Any]:
        """The document as the page has kept it."""
        kept = self.stored("steps")
        return dict(kept["steps"][kept["at"]]["doc"])

    @property
    def notes(self) -> list[tuple[int, float, float, int]]:
        """The notes that are shown: pitch, t, duration, velocity."""
        doc = self.doc
        shown = doc["variations"][doc["shown"]]
        return [(note["pitch"], note["t"], note["duration"], note["velocity"]) for note in shown]
