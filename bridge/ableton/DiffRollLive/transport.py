"""Where Live is, told to the daemon: while it plays at every tick, and otherwise when something changes."""

from __future__ import annotations

from typing import Any, Tuple

from .link import Link
from .osc import encode

RENEW = 50  # ticks after which even a standing position is told again, for a daemon that has just come up


class Transport:
    """Tells position, tempo and metre. The position counts the beats at today's tempo: Live tells no tempo map."""

    def __init__(self, song: Any, link: Link) -> None:
        self._song = song
        self._link = link
        self._told: Tuple[Any, ...] = ()
        self._ticks = 0

    def tick(self) -> None:
        """Tell what has changed."""
        song = self._song
        beat, tempo = float(song.current_song_time), float(song.tempo)
        metre = (int(song.signature_numerator), int(song.signature_denominator))
        now = (int(song.is_playing), beat * 60.0 / tempo, tempo, beat, *metre)
        self._ticks += 1
        if now != self._told or self._ticks >= RENEW:
            self._told, self._ticks = now, 0
            self._link.send(encode("/diffroll/transport", *now))
