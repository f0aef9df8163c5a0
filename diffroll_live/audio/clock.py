"""When samples were heard: arrival times, which jitter, to a steady axis that every block continues. Reads no clock."""

from __future__ import annotations

_SHARE = 0.05  # of the difference that a block corrects
_MOST = 1e-3  # s that a block corrects at most, so that blocks join


class SampleClock:
    """Gives each block of a stream its time, in seconds of time.perf_counter, which all processes share.

    Blocks follow each other without a seam (to 1 ms) at ``rate`` samples a second, steered towards the times at which
    they seem to have been heard, since no device runs at exactly its rate. A block that is over ``jump`` seconds late
    begins anew: what lies between was lost.
    """

    def __init__(self, rate: int, jump: float) -> None:
        self._rate = rate  # Hz
        self._jump = jump  # s
        self._next: float | None = None

    @property
    def end(self) -> float | None:
        """The time after the last sample; None before the first."""
        return self._next

    def stamp(self, frames: int, heard: float, *, lost: bool = False) -> float:
        """Give the time of the first of ``frames`` samples, which seems to have been ``heard``.

        ``lost`` says that samples before it are known to be missing.
        """
        if self._next is None or heard - self._next > self._jump:
            at = heard
        elif lost:
            at = max(heard, self._next)
        else:
            at = self._next + min(_MOST, max(-_MOST, _SHARE * (heard - self._next)))
        self._next = at + frames / self._rate
        return at
