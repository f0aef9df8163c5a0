"""What the bench is told and what it yields: settings, figures, and the one way in which anything is repeated."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Progress = Callable[[int, int], None]  # done, to do
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """How much to measure; the sizes are those that the project's targets are set for."""

    model: str | None = None  # None is the default one
    device: str = "auto"
    repeat: int = 5
    warm_ups: int = 1  # repetitions before those that count
    clip_seconds: float = 20.48
    region_seconds: float = 5.0  # in the middle of the clip
    requests: int = 10  # to each daemon that is started
    upload_seconds: float = 20.0
    file_seconds: float = 600.0
    play_seconds: float = 4.0  # of MIDI, a repetition
    latencies_ms: tuple[float, ...] = (100.0, 150.0, 200.0, 250.0, 400.0)  # of live input
    live_seconds: float = 40.0  # of rendered piano for each of them
    live_minutes: float = 0.0  # of piano at 250 ms, after that
    recording: Path | None = None  # to play in place of rendered piano
    published_layers: int = 15
    published_channels: int = 512
    published_kernel: int = 9  # frames


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured: a value a repetition, and the most that is ``asked``, where anything is."""

    name: str
    unit: str
    values: tuple[float, ...]
    asked: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The value in the middle."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return min(self.values), max(self.values)


@dataclass(slots=True)
class Repetitions:
    """Repeats measurements and shows how far they are; ``total`` of them in one benchmark."""

    settings: Settings
    progress: Progress
    total: int = 1
    done: int = 0

    def repeat(self, measure: Callable[[], T]) -> list[T]:
        """Measure once for nothing, then as often as the settings say; what those times gave."""
        kept = []
        rounds = self.settings.warm_ups + self.settings.repeat
        for number in range(rounds):
            value = measure()
            self.done += 1
            self.progress(self.done, self.total * rounds)
            if number >= self.settings.warm_ups:
                kept.append(value)
        return kept

    def seconds(self, action: Callable[[], object]) -> tuple[float, ...]:
        """Time an action."""

        def measure() -> float:
            begin = time.perf_counter()
            action()
            return time.perf_counter() - begin

        return tuple(self.repeat(measure))


def milliseconds(seconds: tuple[float, ...]) -> tuple[float, ...]:
    """Seconds in milliseconds."""
    return tuple(value * 1000 for value in seconds)
