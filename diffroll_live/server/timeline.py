"""Where the DAW is, as it last said: its own messages, REAPER's or Ardour's. Remembers; plays nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from diffroll_live.errors import ProtocolError
from diffroll_live.osc import timeline_messages as m
from diffroll_live.tempo import is_metre

_MAX_TEMPO = 2000.0  # beats a minute


@dataclass(frozen=True, slots=True)
class Timeline:
    """The DAW's transport. ``heard`` is the monotonic time at which ``position`` was true."""

    playing: bool = False
    position: float = 0.0  # s
    tempo: float = 120.0  # beats a minute
    beat: float = 0.0
    numerator: int = 4
    denominator: int = 4
    loop_start: float = 0.0  # s
    loop_end: float = 0.0  # s
    heard: float = 0.0

    @property
    def metre(self) -> tuple[int, int]:
        """Numerator and denominator, as a file can hold them: 4/4 where the DAW's are none."""
        return (self.numerator, self.denominator) if is_metre(self.numerator, self.denominator) else (4, 4)


def follow(timeline: Timeline, message: Any) -> Timeline:
    """Take a timeline message. Raises errors.ProtocolError for a tempo or position that cannot be."""
    changed = _FOLLOWERS[type(message)](timeline, message)
    if not 0.0 < changed.tempo <= _MAX_TEMPO:
        raise ProtocolError(f"A tempo of {changed.tempo:g} is outside 0 to {_MAX_TEMPO:g} beats a minute.")
    return replace(changed, heard=time.monotonic())


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


def _transport(timeline: Timeline, message: m.Transport) -> Timeline:
    return replace(
        timeline,
        playing=message.playing,
        position=message.position,
        tempo=message.tempo,
        beat=message.beat,
        numerator=message.numerator,
        denominator=message.denominator,
    )


_FOLLOWERS: dict[type[Any], Callable[[Timeline, Any], Timeline]] = {
    m.Transport: _transport,
    m.TransportTime: lambda timeline, message: replace(timeline, position=seconds(message.position)),
    m.TransportPlay: lambda timeline, message: replace(timeline, playing=message.on > 0),
    m.TransportStop: lambda timeline, message: replace(timeline, playing=timeline.playing and message.on <= 0),
    m.TransportTempo: lambda timeline, message: replace(timeline, tempo=message.tempo),
    m.LoopStart: lambda timeline, message: replace(timeline, loop_start=message.position),
    m.LoopEnd: lambda timeline, message: replace(timeline, loop_end=message.position),
}
TIMELINE_MESSAGES = tuple(_FOLLOWERS)
