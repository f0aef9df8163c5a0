"""How long a live note can wait to be decided. Reads no clock."""

from __future__ import annotations

from diffroll_live.limits import LIVE, Limit

MARGIN = 0.015  # s from a decision to the MIDI port, with a little to spare
LONGEST_STEP = 0.2  # s between two decisions; a rarer one is an accident
PLAYED_LATE = 0.05  # s that a note may be late on the MIDI port
FALL = 0.1  # s a second by which the latency comes down again: notes keep their order
_LATENCY = LIVE["latency"]
assert isinstance(_LATENCY, Limit)
LONGEST_LATENCY = _LATENCY.high / 1000.0  # s


class Deadline:
    """Knows what has to be decided now, because the next decision would be too late for it.

    ``step`` is the time to the next decision at first, in seconds; from then on it is measured.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._decided: float | None = None

    def due(self, now: float, latency: float) -> float:
        """Give the time up to which sound must be decided ``now`` to be played ``latency`` seconds after it."""
        if self._decided is not None:
            self._step = max(0.8 * self._step, min(now - self._decided, LONGEST_STEP))
        self._decided = now
        return now + self._step + MARGIN - latency


class HeldLatency:
    """The latency that an input holds: the one that was asked for, or a longer one while decisions come late.

    It rises at once, before notes are lost, and comes down slowly.
    """

    def __init__(self) -> None:
        self._needed = 0.0  # s
        self._decided = 0.0  # s, the time of the last decision
        self._covered: float | None = None  # s, up to where it decided

    def at(self, now: float, asked: float) -> float:
        """Give the latency, in seconds, of what is decided ``now``, when ``asked`` seconds are wanted."""
        if self._covered is not None:
            late = now + MARGIN - PLAYED_LATE - self._covered  # of the first sound that was not decided before
            self._needed = max(late, self._needed - FALL * (now - self._decided))
        self._decided = now
        return max(asked, min(self._needed, LONGEST_LATENCY))

    def cover(self, until: float) -> None:
        """Learn up to which time sound has been decided now."""
        self._covered = until

    def skip(self) -> None:
        """Learn that sound is missing after the last decision, so that nothing of it can be late."""
        self._covered = None
