"""How long a live note can wait to be decided. Reads no clock."""

from __future__ import annotations

MARGIN = 0.015  # s from a decision to the MIDI port, with a little to spare
LONGEST_STEP = 0.2  # s between two decisions; a rarer one is an accident


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
