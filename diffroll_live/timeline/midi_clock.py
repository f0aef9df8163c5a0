"""MIDI clock, start, stop, continue and song position pointer, as reports. It opens no port.

The clock counts beats, 24 ticks each, and knows no seconds. Positions are computed from beats with the tempi measured
along the song, so that a beat has the same position in every pass.
(MIDI 1.0 Detailed Specification, "System Real Time Messages" and "Song Position Pointer".)
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from itertools import pairwise
from typing import Any

from diffroll_live.timeline.report import Report

TICKS = 24  # per beat
_SIXTEENTHS = 4  # units of the song position pointer per beat
_JITTER = 0.002  # s, of a tick
_WINDOWS = (6, 24, 96, 384)  # ticks over which the tempo is measured
_PLAIN = 0.0005  # relative distance within which a tempo is rounded
_LONGEST_TICK = 0.5  # s; a longer pause between ticks is an unreported stop: 5 BPM
_MAX_TEMPI = 1024


class MidiClock:
    """Follows one clock. ``decode`` takes a mido.Message, or anything with its ``type`` and ``pos``."""

    def __init__(self) -> None:
        self._tempi = _Tempi()
        self._playing = False
        self._beat = 0.0  # of the last tick, or of the next one after a start
        self._begins = True  # the next tick is the first one
        self._ticks: deque[float] = deque(maxlen=_WINDOWS[-1] + 1)
        self._measured = 0  # ticks; the longest window that agrees with the tempo

    def decode(self, message: Any, at: float) -> Report | None:
        """Decode a message that arrived at ``at`` into a report, or None."""
        kind = message.type
        if kind == "clock":
            return self._tick(at)
        if kind == "songpos":
            return self._locate(message.pos / _SIXTEENTHS, at)
        if kind in ("start", "continue"):
            self._locate(0.0 if kind == "start" else self._beat, at)
            self._playing = True  # from the next tick on
        elif kind == "stop" and self._playing:
            self._playing = False
            self._begins = True
            return Report(at, playing=False)
        return None

    def _locate(self, beat: float, at: float) -> Report | None:
        self._beat, self._begins = beat, True
        return None if self._playing else Report(at, playing=False, position=self._tempi.seconds(beat), beat=beat)

    def _tick(self, at: float) -> Report | None:
        if self._ticks and at - self._ticks[-1] > _LONGEST_TICK:
            self._ticks.clear()
        self._ticks.append(at)
        if not self._playing:
            return None
        if self._begins:
            self._begins = False
            self._ticks = deque([at], maxlen=self._ticks.maxlen)
        else:
            self._beat += 1.0 / TICKS
            self._measure()
        position = self._tempi.seconds(self._beat)
        return Report(at, True, position, self._tempi.at(self._beat), self._beat)

    def _measure(self) -> None:
        """Compare the duration of the last ticks with the known tempi; follow the shortest window that disagrees."""
        ticks = self._ticks
        for window in _WINDOWS:
            if len(ticks) <= window:
                return
            begin = self._beat - window / TICKS
            expected = self._tempi.seconds(self._beat) - self._tempi.seconds(begin)
            share = (ticks[-1] - ticks[-1 - window]) / expected
            doubt = 3.0 * _JITTER / expected + _PLAIN
            if abs(share - 1.0) <= doubt:
                self._measured = max(self._measured, window)
                continue
            tempo = _round(self._tempi.at(self._beat) / share, doubt / 3.0)
            if window > self._measured:  # the best measurement so far: correct the past as well
                self._tempi.refine(self._beat, tempo)
            else:
                self._tempi.change(begin, self._beat, tempo)
                self._ticks = deque(list(ticks)[-1 - window :], maxlen=ticks.maxlen)
            self._measured = window
            return


class _Tempi:
    """Tempo changes by beat; beat 0 is at 0 s."""

    def __init__(self) -> None:
        self._changes = [(0.0, 120.0)]  # beat, BPM

    def at(self, beat: float) -> float:
        """The tempo at a beat."""
        return self._changes[self._index(beat)][1]

    def seconds(self, beat: float) -> float:
        """The position of a beat, in seconds."""
        index = self._index(beat)
        passed = self._changes[: index + 1]
        whole = sum((b[0] - a[0]) * 60.0 / a[1] for a, b in pairwise(passed))
        return whole + (beat - passed[-1][0]) * 60.0 / passed[-1][1]

    def refine(self, beat: float, tempo: float) -> None:
        """Correct the tempo of the whole stretch in which a beat lies."""
        index = self._index(beat)
        self._changes[index] = (self._changes[index][0], tempo)

    def change(self, begin: float, beat: float, tempo: float) -> None:
        """Change the tempo at ``begin``, replacing what was known from there to ``beat``."""
        before = [change for change in self._changes if change[0] < begin] or self._changes[:1]
        after = [change for change in self._changes if change[0] > beat]
        if len(before) + len(after) < _MAX_TEMPI:
            self._changes = [*before, (max(begin, before[-1][0]), tempo), *after]

    def _index(self, beat: float) -> int:
        return max(0, bisect_right(self._changes, beat, key=lambda change: change[0]) - 1)


def _round(tempo: float, doubt: float) -> float:
    """Return the roundest tempo within the relative uncertainty: a DAW's tempo is usually a whole number."""
    for digits in (0, 1):
        if abs(round(tempo, digits) / tempo - 1.0) <= doubt and round(tempo, digits) > 0.0:
            return round(tempo, digits)
    return tempo
