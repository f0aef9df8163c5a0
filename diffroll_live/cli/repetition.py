"""A filter for logs: what repeats is written a few times, and then only counted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

BURST = 5  # records of one kind within a period
PERIOD = 10.0  # s
_KINDS = 512  # that are remembered


@dataclass(slots=True)
class _Count:
    since: float
    written: int = 0
    withheld: int = 0


class RepetitionFilter(logging.Filter):
    """Lets BURST records of a kind through in PERIOD seconds, and says on the next one how many it withheld.

    Records are of one kind when they come from one line of code and their messages begin alike, before the arguments
    are put in. What is logged for debugging is left alone.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._counts: dict[tuple[str, int, str], _Count] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be written."""
        if record.levelno <= logging.DEBUG:
            return True
        now = self._clock()
        kind = (record.pathname, record.lineno, str(record.msg).partition("\n")[0])
        count = self._counts.get(kind)
        if count is None or now - count.since >= PERIOD:
            withheld = count.withheld if count is not None else 0
            count = self._remember(kind, now)
            if withheld:
                record.msg, record.args = f"{record.getMessage()} ({withheld} more like it were not written)", ()
        if count.written < BURST:
            count.written += 1
            return True
        count.withheld += 1
        return False

    def _remember(self, kind: tuple[str, int, str], now: float) -> _Count:
        self._counts.pop(kind, None)
        while len(self._counts) >= _KINDS:
            del self._counts[next(iter(self._counts))]
        count = self._counts[kind] = _Count(now)
        return count
