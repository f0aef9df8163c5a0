"""What a DAW may send about its timeline: our own message, REAPER's and Ardour's. Rows of messages.CLIENT_MESSAGES."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diffroll_live.osc.arguments import Setting


@dataclass(frozen=True, slots=True)
class Transport:
    """Report the state of the DAW's transport."""

    playing: bool
    position: float  # s
    tempo: float  # BPM
    beat: float = math.nan  # quarter notes from the beginning; NaN where it is not given
    numerator: int = 0  # of a bar; 0 where the metre is not given
    denominator: int = 0


@dataclass(frozen=True, slots=True)
class TransportTime:
    """Report the DAW's position."""

    position: Setting  # s, or h:m:s as Ardour writes it


@dataclass(frozen=True, slots=True)
class TransportPlay:
    """Report that the DAW plays (1) or has stopped (0)."""

    on: float = 1.0


@dataclass(frozen=True, slots=True)
class TransportStop:
    """Report that the DAW has stopped (1) or plays (0)."""

    on: float = 1.0


@dataclass(frozen=True, slots=True)
class TransportTempo:
    """Report the DAW's tempo."""

    tempo: float  # BPM


@dataclass(frozen=True, slots=True)
class TransportRepeat:
    """Report that the DAW's loop is on (1) or off (0)."""

    on: float = 1.0


@dataclass(frozen=True, slots=True)
class LoopStart:
    """Report where the DAW's loop begins."""

    position: float  # s


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """Report where the DAW's loop ends."""

    position: float  # s
