"""Tempo as stored in a Standard MIDI File: seconds to ticks and back. No files, no MIDI library."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from diffroll_live.errors import FileError

MIN_TEMPO, MAX_TEMPO = 4.0, 1000.0  # quarter notes per minute; a file stores microseconds per beat in 24 bits


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of constant tempo: its start in ticks and seconds, and its microseconds per beat."""

    tick: int
    seconds: float
    beat_us: int


class SmfTempoMap:
    """A tempo map as a file rounds it: whole microseconds per beat, changes on whole ticks, ``ppq`` ticks per beat."""

    def __init__(self, ppq: int, beat_us: int) -> None:
        self.ppq = ppq
        self._segments = [_Segment(0, 0.0, beat_us)]

    def append(self, tick: int, beat_us: int) -> None:
        """Change the tempo at a tick, not before the last change."""
        last = self._segments[-1]
        if tick == last.tick:
            self._segments[-1] = _Segment(tick, last.seconds, beat_us)
        else:
            self._segments.append(_Segment(tick, self.seconds(tick), beat_us))

    def tick(self, seconds: float) -> int:
        """Find the nearest tick to a time, 0 or more."""
        segment = self._segments[bisect_right(self._segments, seconds, key=lambda segment: segment.seconds) - 1]
        return segment.tick + round((seconds - segment.seconds) * 1e6 * self.ppq / segment.beat_us)

    def seconds(self, tick: int) -> float:
        """Find the time of a tick, 0 or more."""
        segment = self._segments[bisect_right(self._segments, tick, key=lambda segment: segment.tick) - 1]
        return segment.seconds + (tick - segment.tick) * segment.beat_us / (1e6 * self.ppq)


def beat_us(tempo: float) -> int:
    """Return the microseconds per beat. Raises FileError for a tempo that a file cannot store."""
    if not MIN_TEMPO <= tempo <= MAX_TEMPO:
        raise FileError(f"A tempo of {tempo} does not fit a MIDI file: give {MIN_TEMPO:g} to {MAX_TEMPO:g} BPM.")
    return round(60e6 / tempo)


def is_metre(numerator: int, denominator: int) -> bool:
    """Whether ``numerator``/``denominator`` is a time signature that a file can store."""
    return 1 <= numerator <= 64 and denominator in (1, 2, 4, 8, 16, 32, 64)
