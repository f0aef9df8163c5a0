"""What the daemon reports of the sustain pedal: rows of replies.DAEMON_MESSAGES."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pedal:
    """Deliver one span of the sustain pedal of a result."""

    job: str
    t: float  # s
    duration: float  # s


@dataclass(frozen=True, slots=True)
class LivePedal:
    """Report that the sustain pedal of a live input has gone down (1) or up (0)."""

    buffer: str
    down: int
    t: float  # s


PEDAL_MESSAGES: dict[str, type[Any]] = {
    "/diffroll/pedal": Pedal,
    "/diffroll/live/pedal": LivePedal,
}
