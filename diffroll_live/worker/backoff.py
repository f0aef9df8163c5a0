"""How long to wait before opening something again that could not be opened, or was lost."""

from __future__ import annotations


class Backoff:
    """Pauses between attempts, in seconds: ``first``, then ``factor`` times the one before, ``last`` at most."""

    def __init__(self, first: float, last: float, factor: float = 2.0) -> None:
        self._first, self._last, self._factor = first, last, factor
        self._pause = first

    def next(self) -> float:
        """Return the pause before the next attempt; the one after it will be longer."""
        pause = self._pause
        self._pause = min(self._factor * pause, self._last)
        return pause

    def reset(self) -> None:
        """Begin with the first pause again: an attempt has succeeded."""
        self._pause = self._first
