"""What a DAW may send of its timeline: our own message, REAPER's and Ardour's. Rows of messages.CLIENT_MESSAGES."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diffroll_live.osc.arguments import Setting


@dataclass(frozen=True, slots=True)
class Transport:
    """Say where the DAW is."""

    playing: bool
    position: float  # s
    tempo: float  # beats a minute
    beat: float = math.nan  # quarter notes from the beginning; not a number where it is not told
    numerator: int = 0  # of a bar; 0 where the metre is not told
    denominator: int = 0


@dataclass(frozen=True, slots=True)
class TransportTime:
    """Say the DAW's position."""

    position: Setting  # s, or h:m:s as Ardour writes it


@dataclass(frozen=True, slots=True)
class TransportPlay:
    """Say that the DAW plays (1) or no longer does (0)."""

    on: float = 1.0


@dataclass(frozen=True, slots=True)
class TransportStop:
    """Say that the DAW stands (1) or no longer does (0)."""

    on: float = 1.0


@dataclass(frozen=True, slots=True)
class TransportTempo:
    """Say the DAW's tempo."""

    tempo: float  # beats a minute


@dataclass(frozen=True, slots=True)
class TransportRepeat:
    """Say that the DAW repeats its loop (1) or passes it (0)."""

    on: float = 1.0


@dataclass(frozen=True, slots=True)
class LoopStart:
    """Say where the DAW's loop begins."""

    position: float  # s


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """Say where the DAW's loop ends."""

    position: float  # s
