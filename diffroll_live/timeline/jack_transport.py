"""The transport of a JACK server, as reports; it is polled a little more than once per period."""

from __future__ import annotations

from collections.abc import Callable

from diffroll_live.audio.jack.client import JackWatch
from diffroll_live.errors import PortClosed
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.sources import ReportSink

_POLLS = 1.5  # per period, so that none is missed
_MIN_INTERVAL, _MAX_INTERVAL = 0.0015, 0.01


class JackSource:
    """Follows the transport of the user's default server. Raises PortError if none is running."""

    def __init__(self, report: ReportSink, clock: Callable[[], float]) -> None:
        self._report = report
        self._clock = clock
        self._watch = JackWatch(counts=True)
        self._last: float | None = None  # the start of the last period reported
        self.name = "the JACK transport"
        self.interval = min(_MAX_INTERVAL, max(_MIN_INTERVAL, self._watch.period() / _POLLS))

    def poll(self) -> None:
        """Report the current period, once. Raises PortClosed when the server is gone."""
        now = self._clock()
        state = None if self._watch.gone else self._watch.transport()
        if state is None:
            raise PortClosed("The JACK server ended; its transport is followed again when a server is running.")
        at = now - state.age
        if self._last is not None and at - self._last < self.interval / 2:
            return
        self._last = at
        self._report(
            Report(
                at, state.rolling, state.position, state.tempo, state.beat, state.metre, resolution=self._watch.period()
            )
        )

    def close(self) -> None:
        """Leave the server."""
        self._watch.close()
