"""The clock of a live stream: it numbers and times samples once, where they come in. Reads no clock of its own.

Everything behind it takes numbers and times as given: a gap in the audio is a gap in the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diffroll_live.types import Floats

DEVICE_JITTER = 0.05  # s by which a block of a device may be late before what lies between counts as lost
CLIENT_JITTER = 0.5  # s, the same for chunks of a client: DAWs send in bursts
MAX_AHEAD = 1.0  # s by which a stream may run ahead of real time; more is dropped
OVERDUE = 0.5  # s without a sample after which silence takes its place
MAX_SILENCE = 3.0  # s of that silence, which end every note
_STEER, _MAX_STEER = 0.05, 1e-3  # share of its deviation, and s, by which a block corrects the time


@dataclass(frozen=True, slots=True)
class Arrival:
    """(n,) samples as they came in.

    ``at`` is when the first one seems to have sounded, in seconds of time.perf_counter, which all processes share; it
    has the jitter of the way here. After an ``overrun`` samples before it are missing: ``lost`` of them, or more.
    """

    samples: Floats
    at: float
    overrun: bool = False
    lost: int = 0


@dataclass(frozen=True, slots=True)
class StampedBlock:
    """(n,) samples in their place: number ``first`` of the stream, gaps counted, sounded ``at``.

    ``first`` is the ``end`` of the block before, or later where samples are missing; ``at`` (s of time.perf_counter)
    joins the block before to 1 ms where none are.
    """

    first: int
    samples: Floats
    at: float

    @property
    def end(self) -> int:
        """Number of the sample after the last one."""
        return self.first + len(self.samples)


def join(blocks: Sequence[StampedBlock]) -> Floats:
    """Put one or more blocks of a stream behind each other, with silence in the gaps: (n,) samples."""
    samples = np.zeros(blocks[-1].end - blocks[0].first, np.float32)
    for block in blocks:
        samples[block.first - blocks[0].first : block.end - blocks[0].first] = block.samples
    return samples


class StreamClock:
    """Stamps the blocks of one stream at ``rate`` Hz, which may be up to ``jitter`` seconds late.

    Blocks follow each other without a seam, steered towards their arrival, since no device runs at exactly its rate.
    A block that is later than that, or that follows an overrun, leaves a gap as long as the time that has passed.
    """

    def __init__(self, rate: int, jitter: float) -> None:
        self.rate = rate
        self.end = 0  # number of the next sample: how many there were, gaps and silence counted
        self.overruns = 0  # how often samples were lost
        self.lost = 0.0  # s of them altogether, as far as is known
        self._jitter = jitter
        self._arrived = 0  # number after the last sample that came; up to ``end`` silence took its place
        self._next: float | None = None  # s, when that sample sounds; None before the first

    def stamp(self, arrival: Arrival) -> StampedBlock:
        """Stamp what came in. What silence has taken the place of is cut off, what is too far ahead is dropped."""
        samples, expected = arrival.samples, arrival.at if self._next is None else self._next
        late = arrival.at - expected
        if late < -MAX_AHEAD - len(samples) / self.rate:
            self._count_loss(arrival.lost + len(samples))
            return StampedBlock(self.end, samples[:0], expected)
        if late > (0.0 if arrival.overrun else self._jitter):
            gap, at = round(late * self.rate), arrival.at
        else:
            gap, at = 0, expected + min(_MAX_STEER, max(-_MAX_STEER, _STEER * late))
        first = self._arrived + gap
        self._arrived, self._next = first + len(samples), at + len(samples) / self.rate
        if arrival.overrun:
            self._count_loss(max(arrival.lost, first - self.end))
        cut = min(max(self.end - first, 0), len(samples))
        self.end = max(self.end, self._arrived)
        return StampedBlock(first + cut, samples[cut:], at + cut / self.rate)

    def silence(self, now: float) -> StampedBlock | None:
        """Give the silence that stands for what is overdue ``now``; None where nothing is, or enough was given."""
        if self._next is None:
            return None
        given = (self.end - self._arrived) / self.rate
        at = self._next + given
        count = round(min(now - OVERDUE - at, MAX_SILENCE - given) * self.rate)
        if count <= 0:
            return None
        block = StampedBlock(self.end, np.zeros(count, np.float32), at)
        self.end = block.end
        return block

    def time_of(self, sample: int) -> float | None:
        """When a sample sounded or will sound, by its number; None before the first."""
        return None if self._next is None else self._next + (sample - self._arrived) / self.rate

    def _count_loss(self, samples: int) -> None:
        self.overruns += 1
        self.lost += samples / self.rate
