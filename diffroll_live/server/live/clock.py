"""When the samples of a live input sounded, and how long a note can wait to be decided. Reads no clock."""

from __future__ import annotations

GAP = 0.01  # s by which a block may begin late before what is between counts as lost
STEER = 0.1  # share of a block's deviation that the axis follows, since no device runs at exactly its rate
MARGIN = 0.015  # s from a decision to the MIDI port, with a little to spare
LONGEST_STEP = 0.2  # s between two decisions; a rarer one is an accident


class LiveClock:
    """Counts the samples of an input of ``rate`` Hz and knows when each sounded. Times are those that blocks bring."""

    def __init__(self, rate: int, hop: float) -> None:
        self._rate, self._step = rate, hop
        self.count = 0  # samples so far, gaps included
        self.origin: float | None = None  # when sample 0 sounded
        self._decided: float | None = None

    def take(self, frames: int, at: float) -> int:
        """Count a block that began ``at``; return the number of its first sample, which leaves room for lost ones."""
        expected = at if self.origin is None else self.origin + self.count / self._rate
        late = at - expected
        if late > GAP:
            self.count += round(late * self._rate)
            late = 0.0
        first = self.count
        self.origin = (at - first / self._rate if self.origin is None else self.origin) + STEER * late
        self.count += frames
        return first

    def due(self, now: float, latency: float) -> float:
        """Say up to which time of the input notes must be decided ``now``: the next decision is too late for them."""
        if self._decided is not None:
            self._step = max(0.8 * self._step, min(now - self._decided, LONGEST_STEP))
        self._decided = now
        return now + self._step + MARGIN - latency - (self.origin or 0.0)
