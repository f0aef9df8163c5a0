"""The transport of a JACK server, as reports: it is looked at a little more than once a period."""

from __future__ import annotations

from collections.abc import Callable

from diffroll_live.audio.jack.client import JackWatch
from diffroll_live.errors import PortClosed
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.sources import Hear

_LOOKS = 1.5  # a period, so that none is missed
_LEAST_SECONDS, _MOST_SECONDS = 0.0015, 0.01


class JackSource:
    """Follows the transport of the user's default server. Raises PortError where none runs."""

    def __init__(self, hear: Hear, clock: Callable[[], float]) -> None:
        self._hear = hear
        self._clock = clock
        self._watch = JackWatch()
        self._last: float | None = None  # when the period began that was reported last
        self.name = "the JACK transport"
        self.interval = min(_MOST_SECONDS, max(_LEAST_SECONDS, self._watch.period() / _LOOKS))

    def look(self) -> None:
        """Report the current period, once. Raises PortClosed when the server is gone."""
        now = self._clock()
        told = None if self._watch.gone else self._watch.transport()
        if told is None:
            raise PortClosed("The JACK server ended; its transport is followed again when one runs.")
        at = now - told.age
        if self._last is not None and at - self._last < self.interval / 2:
            return
        self._last = at
        self._hear(
            Report(at, told.rolling, told.position, told.tempo, told.beat, told.metre, grain=self._watch.period())
        )

    def close(self) -> None:
        """Leave the server."""
        self._watch.close()
