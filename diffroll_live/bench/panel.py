"""The panel in a headless Chromium: its size, how soon notes are on the screen, how evenly a long piece scrolls."""

from __future__ import annotations

import shutil
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from diffroll_live.bench.daemon import Daemon, Link, running_daemon
from diffroll_live.bench.figures import Figure, Progress, Repetitions, Settings
from diffroll_live.bench.material import write_wav
from diffroll_live.errors import FileMissing, TimedOut
from diffroll_live.files.midi_file import write_smf
from diffroll_live.types import NoteEvent

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
SIZE = {"width": 1280, "height": 720}
PATIENCE = 60.0  # s, for the page
RATE = 16_000  # Hz, of the sound that is scrolled over
SHOWN = 20  # times the whole that is zoomed in
SOUND_SECONDS = 8.0  # that are transcribed
STEPS = 100
#: Notes whenever the roll is painted: [number of notes, ms since 1970] of the frame after it was drawn.
WATCH = """
window.painted = [];
addEventListener("DOMContentLoaded", () => {
  const canvas = document.querySelector("#canvas");
  new MutationObserver(() => {
    const notes = Number(canvas.dataset.notes);
    requestAnimationFrame(() => window.painted.push([notes, performance.timeOrigin + performance.now()]));
  }).observe(canvas, { attributes: true, attributeFilter: ["data-notes"] });
});
"""
CLEAR = "document.querySelector('#history button').click()"  # goes back to the step before there was anything
IS_CLEAR = "document.querySelector('#canvas').dataset.notes === '0'"
FIRST = "(window.painted.find(([notes]) => notes > 0) ?? [0, 0])[1]"  # ms; 0 until notes are on the screen
#: Scrolls from frame to frame; gives the milliseconds between them.
SCROLL = """
new Promise((resolve) => {
  const canvas = document.querySelector("#canvas");
  const box = canvas.getBoundingClientRect();
  const wheel = (more) => canvas.dispatchEvent(new WheelEvent("wheel", { clientX: box.left + 400, ...more }));
  for (let zoom = 1; zoom < SHOWN; zoom *= Math.E) wheel({ ctrlKey: true, deltaY: -200 });
  const [times, began] = [[], performance.now()];
  let direction = 1;
  const next = (now) => {
    times.push(now);
    if (times.length % 150 === 0) direction = -direction;
    wheel({ deltaY: 40 * direction });
    if (now - began < MILLISECONDS) requestAnimationFrame(next);
    else resolve(times.slice(1).map((time, index) => time - times[index]));
  };
  requestAnimationFrame(next);
})
"""


def panel(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Measure the panel of a daemon; needs Playwright, and Chromium."""
    with running_daemon(settings, "--panel", "0", "--midi-api", "none") as daemon, opened() as (page, tools):
        yield from loaded(tools, page, daemon)
        repetitions = Repetitions(settings, progress)
        with asking(daemon) as asker:
            delays = tuple(repetitions.repeat(lambda: first_note(tools, asker)))
        how = "from its arrival at an OSC client to the frame after it was drawn"
        yield Figure("panel, first note of a job on the screen", "ms", delays, 100.0, how)
        frames = scrolled(page, tools, settings)
    what = f"panel, {settings.panel_seconds:g} s with {settings.panel_notes} notes"
    how = f"{len(frames)} frames in a headless Chromium without a GPU; 16.7 ms are 60 a second"
    yield Figure(f"{what}, frame", "ms", frames, 1000 / 60, how)
    slowest = float(np.percentile(frames, 99))
    yield Figure(f"{what}, slowest frame of a hundred", "ms", (slowest,))


@contextmanager
def opened() -> Iterator[tuple[Page, CDPSession]]:
    """Open the panel in a browser. Raises errors.FileMissing."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        raise FileMissing("The panel is measured in Chromium: apt-get install chromium, and pip install playwright.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.set_default_timeout(1000 * PATIENCE)
        page.add_init_script(WATCH)
        yield page, page.context.new_cdp_session(page)
        browser.close()


def loaded(tools: CDPSession, page: Page, daemon: Daemon) -> Iterator[Figure]:
    """Load the page; say how much that was."""
    sizes: list[float] = []
    tools.send("Network.enable")
    tools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"] / 1000))
    page.goto(daemon.panel)
    page.locator("#link", has_text="ready").wait_for()
    yield Figure("panel, page", "kB", (sum(sizes),), note=f"{len(sizes)} requests, and a WebSocket")


@contextmanager
def asking(daemon: Daemon) -> Iterator[Link]:
    """Have an OSC client with something to transcribe."""
    with tempfile.TemporaryDirectory() as folder, Link(daemon.port) as asker:
        wav = Path(folder) / "bench.wav"
        write_wav(wav, SOUND_SECONDS)
        asker.ask("/diffroll/hello", "bench", answer="/diffroll/welcome")
        asker.ask("/diffroll/audio/file", "bench", str(wav), answer="/diffroll/audio/ready")
        yield asker


def first_note(tools: CDPSession, asker: Link) -> float:
    """Let an OSC client transcribe, which the panel shows by itself; give the ms between its first note and theirs.

    The roll is emptied first, so that the first painting with notes is of this job. It takes so many steps that the
    panel follows the job before there are notes.
    """
    run(tools, CLEAR)
    _wait(lambda: run(tools, IS_CLEAR), "an empty roll")
    run(tools, "window.painted.length = 0")
    asker.send("/diffroll/job/new", "measured", "transcribe", "bench")
    asker.send("/diffroll/job/set", "measured", "steps", STEPS)
    asker.send("/diffroll/job/run", "measured")
    asker.until("/diffroll/note")
    arrived = 1000 * time.time()
    _wait(lambda: run(tools, FIRST), "notes on the screen")
    painted = float(run(tools, FIRST))
    asker.until("/diffroll/job/done")
    _wait(lambda: run(tools, "document.querySelector('#cancel').hidden"), "the panel to be done")
    return painted - arrived


def scrolled(page: Page, tools: CDPSession, settings: Settings) -> tuple[float, ...]:
    """Open a long recording with many notes and scroll through it; give the ms between frames."""
    with tempfile.TemporaryDirectory() as folder:
        sound, notes = Path(folder) / "long.wav", Path(folder) / "long.mid"
        write_sound(sound, settings.panel_seconds)
        write_smf(notes, many_notes(settings.panel_notes, settings.panel_seconds))
        for path in (sound, notes):
            page.set_input_files("#file", path)
            page.locator("#history", has_text=f"Open {path.name}").wait_for()
    page.locator(f'#canvas[data-notes="{settings.panel_notes}"]').wait_for()
    script = SCROLL.replace("SHOWN", str(SHOWN)).replace("MILLISECONDS", f"{1000 * settings.panel_scroll_seconds:g}")
    return tuple(run(tools, script))


def write_sound(path: Path, seconds: float) -> None:
    """Write noise that swells twice a second."""
    time_axis = np.arange(round(seconds * RATE)) / RATE
    samples = np.random.default_rng(0).normal(0, 0.05, len(time_axis)) * (1 + np.sin(4 * np.pi * time_axis))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def many_notes(count: int, seconds: float) -> list[NoteEvent]:
    """Spread notes evenly over a piece and over the keys."""
    onsets = np.linspace(0, seconds - 1, count).tolist()
    return [NoteEvent(onset, onset + 0.6, 30 + 7 * index % 60, 40 + index % 80) for index, onset in enumerate(onsets)]


def run(tools: CDPSession, expression: str) -> Any:
    """Evaluate in the page, past its Content-Security-Policy."""
    asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
    return tools.send("Runtime.evaluate", asked)["result"].get("value")


def _wait(holds: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise TimedOut(f"The benchmark waited {PATIENCE:g} s for {what}; run it again.")
        time.sleep(0.02)
