"""A model of the DAW's playhead: where it is at any time, and when it reaches any position. Arithmetic only."""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_LOOP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Loop:
    """The range [start, end) of the DAW's timeline, in seconds, that the playhead repeats."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class PlayheadModel:
    """How the playhead has moved since it last jumped, started or stopped; ``run`` counts those breaks.

    At ``at`` seconds of the scheduler's clock its position was ``unwrapped``, and it moves by ``rate`` seconds of the
    timeline per second. In a ``loop`` the unwrapped position keeps growing, as a phase does: lap 0 goes from ``start``
    to the end of the loop, each later lap once through the loop. Without a loop it is the position on the timeline.
    """

    run: int = 0
    playing: bool = False
    at: float = 0.0
    unwrapped: float = 0.0  # s
    rate: float = 1.0
    start: float = 0.0  # s; the position at which this run began
    loop: Loop | None = None

    def unwrapped_at(self, time: float) -> float:
        """Give the unwrapped position at a time, in seconds; a stopped playhead stays where it is."""
        return self.unwrapped + (self.rate * (time - self.at) if self.playing else 0.0)

    def position_at(self, time: float) -> float:
        """Give the position on the DAW's timeline at a time."""
        return self.wrap(self.unwrapped_at(time))

    def time_of(self, unwrapped: float) -> float:
        """Give the time, on the scheduler's clock, at which a moving playhead reaches an unwrapped position."""
        return self.at + (unwrapped - self.unwrapped) / self.rate

    def lap_of(self, unwrapped: float) -> int:
        """Count how often the loop has been repeated at an unwrapped position."""
        if self.loop is None or unwrapped < self.loop.end:
            return 0
        return 1 + math.floor((unwrapped - self.loop.end) / self.loop.seconds)

    def wrap(self, unwrapped: float) -> float:
        """Give the position on the timeline of an unwrapped position."""
        return unwrapped - self.lap_seconds(self.lap_of(unwrapped))

    def lap_seconds(self, lap: int) -> float:
        """Give the difference between unwrapped position and position in a lap."""
        return 0.0 if self.loop is None else lap * self.loop.seconds

    def lap_start(self, lap: int) -> float:
        """Give the position at which a lap begins."""
        return self.loop.start if self.loop is not None and lap else self.start


def find_loop(start: float, end: float, position: float) -> Loop | None:
    """Make the loop that a playhead at ``position`` will repeat; None for one that is too short or already passed."""
    return Loop(start, end) if end - start >= MIN_LOOP_SECONDS and position < end else None
