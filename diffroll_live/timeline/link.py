"""An Ableton Link session, as reports; needs LinkPython-extern, which the user installs (Link's licence is the GPL).

Link shares tempo, beats and, where peers agree to, start and stop, but no song position: position 0 is where the
session was started. The session reports its start as a beat, so seconds are computed from beats here, with the tempi
observed since. A session that is not started, or whose peers do not share that, still has a beat. Without peers there
is nothing to follow: the tempo would be our own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from diffroll_live.errors import PortError
from diffroll_live.meter.tempo_map import TempoMap, steady
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.sources import ReportSink

_QUANTUM = 4.0  # beats; the phase that peers share is modulo this


class LinkSource:
    """Follows the Link session of the local network. Raises PortError where Link is not installed."""

    name = "the Link session"
    interval = 0.02

    def __init__(self, report: ReportSink, clock: Callable[[], float]) -> None:
        self._report = report
        self._clock = clock
        self._tempo_map: TempoMap | None = None  # since the start; None while the session is stopped
        self._link: Any = _module().Link(120.0)
        self._link.startStopSyncEnabled = True
        self._link.enabled = True

    def poll(self) -> None:
        """Report tempo, beat and how long the session has been playing."""
        now, micros = self._clock(), self._link.clock().micros()
        session = self._link.captureAppSessionState()
        tempo = session.tempo() if self._link.numPeers() else None
        if tempo is None or not session.isPlaying():
            self._tempo_map = None
            pulse = None if tempo is None else session.phaseAtTime(micros, _QUANTUM)
            self._report(Report(now, playing=False, position=0.0, tempo=tempo, pulse=pulse))
            return
        beat = session.beatAtTime(micros, _QUANTUM) - session.beatAtTime(session.timeForIsPlaying(), _QUANTUM)
        tempo_map = self._tempo_map or TempoMap(steady(tempo))
        position = tempo_map.position_at(beat)
        self._tempo_map = tempo_map.observe(position, tempo, since=position)
        self._report(Report(now, True, position, tempo, beat))

    def close(self) -> None:
        """Leave the session."""
        self._link.enabled = False


def _module() -> Any:
    try:
        return importlib.import_module("link")
    except ImportError as error:
        raise PortError(
            "Ableton Link is not installed: `pip install 'diffroll-live[link]'` (LinkPython-extern; Link itself is "
            "under the GPL), or follow another source of the DAW's time."
        ) from error
