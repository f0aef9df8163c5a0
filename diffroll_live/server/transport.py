"""The DAW's timeline as it comes over OSC: our own message, REAPER's and Ardour's, each a row that makes a report.

Follows nothing itself: that is timeline's business. Here it is decided whose word counts.
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

HOLD_SECONDS = 2.0  # that whoever tells the position is the only one to tell it

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

    Tempo and metre are anyone's to tell. The playhead is followed only where OSC is the chosen source, and then only
    one client at a time is believed: the one that spoke first, until it has been silent for HOLD_SECONDS.
    """

    def __init__(self, timeline: Timeline, clock: Callable[[], float], *, follows: bool) -> None:
        self._timeline = timeline
        self._clock = clock
        self._follows = follows
        self._holder = ""  # a client's key
        self._heard = -math.inf  # when the holder spoke last
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = dict.fromkeys(_REPORTS, self._hear)

    def _hear(self, client: Client, message: Any) -> None:
        report = check_report(_REPORTS[type(message)](message, self._clock()))
        moves = Report(report.at, tempo=report.tempo, metre=report.metre) != report
        if moves and not self._believes(client, report.at):
            report = Report(report.at, tempo=report.tempo, metre=report.metre)
        self._timeline.update(report)

    def _believes(self, client: Client, now: float) -> bool:
        if not self._follows:
            return False
        if client.key != self._holder and now - self._heard <= HOLD_SECONDS:
            return False
        self._holder, self._heard = client.key, now
        return True


def seconds(position: str | float) -> float:
    """Read a position: seconds, or ``h:m:s`` text. Raises errors.ProtocolError."""
    if isinstance(position, float):
        return position
    try:
        parts = [float(part) for part in position.strip().lstrip("-").split(":")]
    except ValueError as error:
        raise ProtocolError(f"{position!r} is no position; send seconds.") from error
    total = 0.0
    for part in parts[:3]:
        total = 60.0 * total + part
    return -total if position.strip().startswith("-") else total
