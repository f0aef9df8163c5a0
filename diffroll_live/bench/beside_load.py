"""The same figures twice in one run: without load, and with a busy process on every core."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from diffroll_live.bench.clips import transcribe
from diffroll_live.bench.figures import Figure, Progress, Repetitions, Settings
from diffroll_live.bench.live import live
from diffroll_live.bench.machine import usable_cores
from diffroll_live.bench.material import piece
from diffroll_live.bench.requests import first_note

MOST_TIMES = 3.0  # as long as without load; half of every core would be twice
TIMES = ("ms", "s")
BUSY = "while True: pass"

Part = Callable[[Settings, Progress], Iterator[Figure]]


def beside_load(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Measure every part without load and with it; the figures are those with load, and say what they are without."""
    settings = replace(settings, latencies_ms=settings.loaded_latencies_ms, live_minutes=0.0)
    for number, part in enumerate(PARTS):
        idle = list(part(settings, _unheard))
        progress(2 * number + 1, 2 * len(PARTS))
        with busy_cores():
            loaded = list(part(settings, _unheard))
        progress(2 * number + 2, 2 * len(PARTS))
        yield from map(compared, idle, loaded)


def minute(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Transcribe a minute of audio as the model does unless told otherwise."""
    from diffroll_live.engine.loading import load_engine

    engine, audio = load_engine(settings.model, settings.device), piece(settings.minute_seconds)
    seconds = Repetitions(settings, progress).seconds(partial(transcribe, engine, audio, None))
    yield Figure(f"{settings.minute_seconds:g} s transcribed", "s", seconds)


def compared(idle: Figure, loaded: Figure) -> Figure:
    """Put a figure with load beside the one without."""
    asked = MOST_TIMES * idle.median if idle.unit in TIMES else loaded.asked
    return replace(loaded, name=f"{loaded.name}, beside load", asked=asked, idle=idle.median)


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core that this process may use busy."""
    programs = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(usable_cores())]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def _unheard(done: int, total: int) -> None:
    """Show nothing of a part's own progress."""


PARTS: tuple[Part, ...] = (first_note, minute, live)
