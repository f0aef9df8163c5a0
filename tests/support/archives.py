"""Archives that tests make, and an engine that dies with some of their recordings."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from diffroll_live.archive.items import Item
from diffroll_live.errors import DeviceMemory
from diffroll_live.types import Options, RequestPlan, Result
from support.fake_engine import INFO, FakeEngine

RATE = 8000
#: Lengths of recordings, in seconds: with them the engine fails, is short of memory, dies, or dies once.
FAILS, SHORT, DIES, DIES_ONCE = 0.25, 0.375, 0.5, 0.75


def record(path: Path, seconds: float = 1.0) -> Path:
    """Write a recording of a tone, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.1 * np.sin(np.arange(round(seconds * RATE)) / 10)
    form = "FLAC" if path.suffix.lower() == ".flac" else "WAV"  # whatever its name says
    with path.open("wb") as stream:  # by a name that may be no text
        soundfile.write(stream, tone, RATE, format=form)
    return path


def item(path: Path, midi: str = "") -> Item:
    """The item of a recording at the top of an archive."""
    state = path.stat()
    return Item(path.name, str(path), midi or f"{path.stem}.mid", state.st_size, state.st_mtime_ns)


class ArchiveEngine(FakeEngine):
    """Goes by the length of the audio; ``folder`` remembers what it has seen across deaths."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def run(self, plan: RequestPlan, control) -> Result:
        assert plan.audio is not None
        seconds = plan.audio.seconds
        with (self._folder / "seen").open("a") as seen:
            seen.write(f"{seconds}\n")
        if seconds == FAILS:
            raise RuntimeError("the engine was told to fail")
        if seconds == SHORT:
            raise DeviceMemory("The device has too little memory; use shorter audio.")
        times = (self._folder / "seen").read_text().split().count(str(seconds))
        if seconds == DIES or (seconds == DIES_ONCE and times == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(plan, control)


@dataclass(frozen=True)
class ArchiveEngineFactory:
    """Makes the engine in a process of its own."""

    folder: Path
    sha256: str = INFO.sha256  # that the engine says its model has

    def __call__(self) -> ArchiveEngine:
        engine = ArchiveEngine(self.folder)
        engine.info = replace(INFO, sha256=self.sha256)
        return engine


QUICK = Options(steps=1)
