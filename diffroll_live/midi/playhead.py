"""Where the playhead is at any time, and when it comes to any position, until it jumps. Arithmetic only."""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_LOOP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Loop:
    """The stretch [start, end) of the DAW's timeline, in seconds, that the playhead repeats."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class PlayheadModel:
    """The playhead's way since it last jumped, started or stopped; ``run`` counts those breaks.

    At ``at`` seconds of the scheduler's clock it was at ``travelled``, and it moves by ``rate`` seconds of the
    timeline a second. Where it repeats a ``loop``, ``travelled`` grows on: lap 0 is the way from ``start`` to the
    loop's end, every later lap the loop once. Without a loop, ``travelled`` is the position.
    """

    run: int = 0
    playing: bool = False
    at: float = 0.0
    travelled: float = 0.0  # s
    rate: float = 1.0
    start: float = 0.0  # s; the position at which this run began
    loop: Loop | None = None

    def travelled_at(self, time: float) -> float:
        """Tell the way at a time, in seconds; a playhead that stands stays where it is."""
        return self.travelled + (self.rate * (time - self.at) if self.playing else 0.0)

    def position_at(self, time: float) -> float:
        """Tell the position on the DAW's timeline at a time."""
        return self.fold(self.travelled_at(time))

    def time_of(self, travelled: float) -> float:
        """Tell when a playhead that moves has travelled so far, in seconds of the scheduler's clock."""
        return self.at + (travelled - self.travelled) / self.rate

    def lap_of(self, travelled: float) -> int:
        """Count the repetitions of the loop that lie behind."""
        if self.loop is None or travelled < self.loop.end:
            return 0
        return 1 + math.floor((travelled - self.loop.end) / self.loop.seconds)

    def fold(self, travelled: float) -> float:
        """Tell the position that belongs to a way."""
        return travelled - self.lap_seconds(self.lap_of(travelled))

    def lap_seconds(self, lap: int) -> float:
        """Tell how much a way in this lap exceeds its position."""
        return 0.0 if self.loop is None else lap * self.loop.seconds

    def lap_start(self, lap: int) -> float:
        """Tell the position at which a lap begins."""
        return self.loop.start if self.loop is not None and lap else self.start


def find_loop(start: float, end: float, position: float) -> Loop | None:
    """Make the loop that a playhead at ``position`` is going to repeat; None where it is none, or lies behind."""
    return Loop(start, end) if end - start >= MIN_LOOP_SECONDS and position < end else None
