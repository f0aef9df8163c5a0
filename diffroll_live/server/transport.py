"""The DAW's timeline as it comes over OSC: our own message, REAPER's and Ardour's, one row each, turned into reports.

The following is done in `timeline`; this decides which client's reports count.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from diffroll_live.errors import ProtocolError
from diffroll_live.osc import timeline_messages as m
from diffroll_live.server.clients import Client
from diffroll_live.timeline.report import Report, check_report
from diffroll_live.timeline.timeline import Timeline

HOLD_SECONDS = 2.0  # for which the client that reports the position is the only one followed

_REPORTS: dict[type[Any], Callable[[Any, float], Report]] = {
    m.Transport: lambda message, now: Report(
        now,
        message.playing,
        message.position,
        message.tempo,
        None if math.isnan(message.beat) else message.beat,
        (message.numerator, message.denominator) if message.numerator or message.denominator else None,
    ),
    m.TransportTime: lambda message, now: Report(now, position=seconds(message.position)),
    m.TransportPlay: lambda message, now: Report(now, playing=message.on > 0),
    m.TransportStop: lambda message, now: Report(now, playing=False if message.on > 0 else None),
    m.TransportTempo: lambda message, now: Report(now, tempo=message.tempo),
    m.TransportRepeat: lambda message, now: Report(now, looping=message.on > 0),
    m.LoopStart: lambda message, now: Report(now, loop_start=message.position),
    m.LoopEnd: lambda message, now: Report(now, loop_end=message.position),
}


class TransportHandlers:
    """Handles every timeline message.

    Tempo and metre are accepted from any client. Positions are followed only if OSC is the chosen source, and from only
    one client at a time: the first, until it has been silent for HOLD_SECONDS.
    """

    def __init__(self, timeline: Timeline, clock: Callable[[], float], *, follows: bool) -> None:
        self._timeline = timeline
        self._clock = clock
        self._follows = follows
        self._holder = ""  # a client's key
        self._received = -math.inf  # when the holder spoke last
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = dict.fromkeys(_REPORTS, self._receive)

    def _receive(self, client: Client, message: Any) -> None:
        report = check_report(_REPORTS[type(message)](message, self._clock()))
        moves = Report(report.at, tempo=report.tempo, metre=report.metre) != report
        if moves and not self._accepts(client, report.at):
            report = Report(report.at, tempo=report.tempo, metre=report.metre)
        self._timeline.update(report)

    def _accepts(self, client: Client, now: float) -> bool:
        if not self._follows:
            return False
        if client.key != self._holder and now - self._received <= HOLD_SECONDS:
            return False
        self._holder, self._received = client.key, now
        return True


def seconds(position: str | float) -> float:
    """Read a position: seconds, or ``h:m:s`` text. Raises errors.ProtocolError."""
    if isinstance(position, float):
        return position
    try:
        parts = [float(part) for part in position.strip().lstrip("-").split(":")]
    except ValueError as error:
        raise ProtocolError(f"{position!r} is not a position; send seconds.") from error
    total = 0.0
    for part in parts[:3]:
        total = 60.0 * total + part
    return -total if position.strip().startswith("-") else total
