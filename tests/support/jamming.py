"""Conversations in notes that tests hold."""

from __future__ import annotations

from diffroll_live.server.jam.settings import JamSettings
from diffroll_live.server.jam.turns import Jam

SETTINGS = JamSettings(rest_bars=2.0, memory=12.0, ahead=4.0, lead=0.3)


def played(jam: Jam, *pitches: int, begin: float = 100.0) -> float:
    """Play quarters; the time when the last was let go."""
    now = begin
    for pitch in pitches:
        jam.started(pitch, 80, now)
        now += 0.5
        jam.ended(pitch, now)
    return now
