"""The panel in Debian's Chromium: what a person sees and does there. Needs no network, and downloads no browser."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

FLAGS = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
SECONDS = 30.0  # only a failing test waits for it
KEYS, RULER, GAP, SCROLL_BAR, SOUND = 44, 24, 6, 12, 0.36  # of the canvas, as stage/scene.ts has them
expect.set_options(timeout=1000 * SECONDS)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        yield browser
        browser.close()


Note = tuple[int, float, float, int]


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

    def opens(self, section: str) -> None:
        """Open a section beside the roll: write, out, live or state."""
        self.presses(f"#tab-{section}")

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

    def sees_that(self, holds: Callable[[], object]) -> None:
        """Wait for something, while the page goes on."""
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, "it never came to hold"
            self.page.wait_for_timeout(20)

    def drags(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Drag from one point of the page to another."""
        self.page.mouse.move(x0, y0)
        self.page.mouse.down()
        self.page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2, steps=3)
        self.page.mouse.move(x1, y1, steps=3)
        self.page.mouse.up()

    def drags_out(self, element: str) -> dict[str, str]:
        """Drag an element away by the mouse; give what the browser hands the system, by kind: what a drop gets.

        The system itself, and another program in it, are not there: the browser is asked to keep the drag.
        """
        self.page.hover(element)
        expect(self.page.locator(element)).to_have_attribute("href", re.compile("/midi/"))
        box = self.page.locator(element).bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        handed: list[dict[str, Any]] = []
        with self._devtools() as tools:
            tools.on("Input.dragIntercepted", lambda event: handed.append(event["data"]))
            tools.send("Input.setInterceptDrags", {"enabled": True})
            mouse = {"button": "left", "clickCount": 1, "y": y}
            tools.send("Input.dispatchMouseEvent", {"type": "mousePressed", "x": x, **mouse})
            for step in range(1, 6):
                tools.send(
                    "Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x - 20 * step, "buttons": 1, **mouse}
                )
            self.sees_that(lambda: handed)
            tools.send("Input.dispatchMouseEvent", {"type": "mouseReleased", "x": 1, **mouse})
            tools.send("Input.setInterceptDrags", {"enabled": False})
        return {item["mimeType"]: item["data"] for item in handed[0]["items"]}

    def drops(self, path: Path) -> None:
        """Drop a file on the roll, as the system does when it comes from a folder."""
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        with self._devtools() as tools:
            for kind in ("dragEnter", "dragOver"):
                tools.send("Input.dispatchDragEvent", {"type": kind, "data": data, **where})
            expect(self.page.locator("#stage")).to_have_class(re.compile("over"))
            tools.send("Input.dispatchDragEvent", {"type": "drop", "data": data, **where})

    def strikes_a_key(self, y: float) -> None:
        """Press one of the keys at the left of the roll."""
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + 35, box["y"] + y * box["height"])

    def pinches(self, factor: float) -> None:
        """Move two fingers apart on the canvas."""
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.7

        def fingers(apart: float) -> list[dict[str, float]]:
            return [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]

        with self._devtools() as tools:
            send = partial(tools.send, "Input.dispatchTouchEvent")
            send({"type": "touchStart", "touchPoints": fingers(40)})
            for step in range(1, 5):
                send({"type": "touchMove", "touchPoints": fingers(40 * (1 + (factor - 1) * step / 4))})
            send({"type": "touchEnd", "touchPoints": []})

    def where(self, note: Note) -> tuple[float, float]:
        """The middle of a note on the page, in a view of the whole."""
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        pitch, t, duration, _ = note
        low, high = map(int, str(self.page.locator("#canvas").get_attribute("data-keys")).split())
        width, room = box["width"] - KEYS, box["height"] - RULER - GAP - SCROLL_BAR
        top = RULER + round(room * SOUND) + GAP
        row = (room - round(room * SOUND)) / (high - low + 1)
        x = KEYS + (t + duration / 2) / self.doc["seconds"] * width
        return box["x"] + x, box["y"] + top + (high - pitch + 0.5) * row

    def colour_of_likely(self) -> str:
        """What the roll shows behind the notes, as one text."""
        return str(self.runs("document.querySelector('#canvas').toDataURL()"))

    def clipboard(self) -> str:
        return str(self.runs("navigator.clipboard.readText()"))

    def stored(self, name: str) -> Any:
        """What the page keeps for a reload."""
        value = self.runs(f"sessionStorage.getItem({name!r})")
        return json.loads(value) if name == "steps" and value else value

    def runs(self, expression: str) -> Any:
        """Evaluate in the page, past its Content-Security-Policy, which forbids eval."""
        with self._devtools() as tools:
            asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
            return tools.send("Runtime.evaluate", asked)["result"].get("value")

    @contextmanager
    def _devtools(self) -> Iterator[CDPSession]:
        session = self.page.context.new_cdp_session(self.page)
        yield session
        session.detach()

    @property
    def doc(self) -> dict[str, Any]:
        """The document as the page has kept it."""
        kept = self.stored("steps")
        doc = dict(kept["steps"][kept["at"]]["doc"])
        return doc | {"variations": [kept["notes"][index] for index in doc["variations"]]}

    @property
    def notes(self) -> list[Note]:
        """The notes that are shown: pitch, t, duration, velocity."""
        return [note[:4] for note in self.marked]

    @property
    def marked(self) -> list[tuple[int, float, float, int, int]]:
        """The notes that are shown, with their marks: 1 is locked, 2 is fresh."""
        doc = self.doc
        return [tuple(row) for row in doc["variations"][doc["shown"]]]
