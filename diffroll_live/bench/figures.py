"""The settings and results of the benchmarks, and how measurements are repeated."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Progress = Callable[[int, int], None]  # done, total
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """How much to measure; the project's targets refer to these sizes."""

    model: str | None = None  # None: the default model
    device: str = "auto"
    repeat: int = 5
    warm_ups: int = 1  # repetitions that are discarded
    clip_seconds: float = 20.48
    region_seconds: float = 5.0  # in the middle of the clip
    requests: int = 10  # to each daemon
    upload_seconds: float = 20.0
    file_seconds: float = 600.0
    play_seconds: float = 4.0  # of MIDI per repetition
    jam_seconds: float = 9.6  # of playing before each answer
    latencies_ms: tuple[float, ...] = (100.0, 150.0, 200.0, 250.0, 400.0)  # of live input
    live_seconds: float = 40.0  # of rendered piano for each of them
    live_minutes: float = 0.0  # of piano at 250 ms, after that
    recording: Path | None = None  # to play instead of rendered piano
    xrun_seconds: float = 20.0  # in which a JACK server is watched
    minute_seconds: float = 60.0  # transcribed without load and with it
    loaded_latencies_ms: tuple[float, ...] = (100.0,)  # of live input without load and with it
    panel_seconds: float = 600.0  # of the sound that is scrolled over
    panel_notes: int = 5000
    panel_scroll_seconds: float = 10.0  # that are spent scrolling
    published_layers: int = 15
    published_channels: int = 512
    published_kernel: int = 9  # frames


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: a value per repetition, and the required maximum ``asked``, if any.

    ``idle`` is the median without load, where this was measured beside it.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    asked: float | None = None
    note: str = ""
    idle: float | None = None

    @property
    def median(self) -> float:
        """The median value."""
        return statistics.median(self.values)

    @property
    def times(self) -> float | None:
        """How many times as much it is beside load."""
        return self.median / self.idle if self.idle else None

    @property
    def spread(self) -> tuple[float, float]:
        """The minimum and the maximum."""
        return min(self.values), max(self.values)


@dataclass(slots=True)
class Repetitions:
    """Repeats measurements and reports progress; ``total`` of them in one benchmark."""

    settings: Settings
    progress: Progress
    total: int = 1
    done: int = 0

    def repeat(self, measure: Callable[[], T]) -> list[T]:
        """Measure after warm-ups, as often as the settings say; return the results."""
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
    """Seconds as milliseconds."""
    return tuple(value * 1000 for value in seconds)
