"""Musical time of a piece or a request: seconds to quarter notes and back, bars with their signatures. No torch.

A beat is a quarter note whatever the signature, as in a MIDI file; a bar of 6/8 has three of them.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from diffroll_live.errors import RequestError
from diffroll_live.limits import MAX_METER_CHANGES, SIGNATURES, TEMPO, is_signature
from diffroll_live.meter.tempo_map import TempoChange, TempoMap

#: Who says so: the client or the command line, the DAW's transport, a MIDI file, an estimate from the notes, nobody.
Source = Literal["given", "transport", "file", "estimated", "none"]

LAST_SECOND = 360_000.0  # no DAW counts beyond hour 99
_ON_BAR = 1e-6  # quarter notes; a beat this close to a bar line lies on it
_LEEWAY = 0.01  # share by which a tempo may exceed its limits between two changes whose times were rounded


@dataclass(frozen=True, slots=True)
class MeterChange:
    """From ``t`` seconds on: ``bpm`` quarter notes a minute, bars of ``numerator``/``denominator``.

    ``beat`` is the position in quarter notes at ``t``. Bars are counted from beat 0, and anew from each change of
    signature, which begins a bar.
    """

    t: float
    bpm: float
    numerator: int = 4
    denominator: int = 4
    beat: float = 0.0


@dataclass(frozen=True, slots=True)
class Signature:
    """From ``beat`` on, where a bar begins, bars are ``numerator``/``denominator``."""

    beat: float = 0.0
    numerator: int = 4
    denominator: int = 4

    @property
    def beats(self) -> float:
        """Quarter notes in a bar."""
        return 4.0 * self.numerator / self.denominator


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from ``beat`` on; it has ``beats`` quarter notes, fewer than its signature says where another follows."""

    beat: float
    beats: float
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class MeterMap:
    """Tempo and signatures on the axis of a request, whoever they come from.

    ``signatures`` are in order, at least one; the first also applies before its beat. ``confidence`` is 0 to 1.
    Raises errors.RequestError for a map that no music has: too many changes, tempi or signatures outside their limits,
    times that are not finite or do not ascend.
    """

    tempo: TempoMap
    signatures: tuple[Signature, ...] = (Signature(),)
    source: Source = "given"
    confidence: float = 1.0
    _starts: tuple[float, ...] = field(init=False, repr=False, compare=False)  # beats of the signatures

    def __post_init__(self) -> None:
        for count in (len(self.tempo.changes), len(self.signatures)):
            if not 1 <= count <= MAX_METER_CHANGES:
                raise RequestError(f"There are {count} tempi or signatures; give 1 to {MAX_METER_CHANGES}.")
        for change in self.tempo.changes:
            _check_tempo(change.tempo, _LEEWAY)
        for signature in self.signatures:
            check_signature(signature.numerator, signature.denominator)
        if not math.isfinite(self.tempo.beat):
            raise RequestError("The beat of a map must be a finite number; give quarter notes.")
        _check_ascending("times of a map", [change.position for change in self.tempo.changes])
        _check_ascending("beats of a map", [signature.beat for signature in self.signatures])
        object.__setattr__(self, "_starts", tuple(signature.beat for signature in self.signatures))

    def bar_at(self, beat: float) -> Bar:
        """The bar that ``beat`` lies in; a bar line belongs to the bar that it begins."""
        index = max(0, bisect_right(self._starts, beat + _ON_BAR) - 1)
        signature = self.signatures[index]
        number = math.floor((beat - signature.beat + _ON_BAR) / signature.beats)
        begin = signature.beat + number * signature.beats
        following = self._starts[index + 1] if index + 1 < len(self._starts) else math.inf
        return Bar(begin, min(signature.beats, following - begin), signature.numerator, signature.denominator)

    def bars(self, t0: float, t1: float) -> tuple[Bar, ...]:
        """The bars that sound in [t0, t1), in seconds; the first and the last may reach beyond."""
        begin, end = (float(beat) for beat in self.tempo.beats_at([t0, t1]))
        found = [self.bar_at(begin)]
        while (beat := found[-1].beat + found[-1].beats) < end - _ON_BAR:
            found.append(self.bar_at(beat))
        return tuple(found)

    def first_bar(self, t: float) -> float:
        """The time of the first bar line at or after ``t`` seconds."""
        beat = self.tempo.beat_at(t)
        bar = self.bar_at(beat)
        return t if bar.beat >= beat - _ON_BAR else self.tempo.position_at(bar.beat + bar.beats)

    def last_bar(self, t: float) -> float:
        """The time of the last bar line at or before ``t`` seconds."""
        return self.tempo.position_at(self.bar_at(self.tempo.beat_at(t)).beat)

    def next_beat(self, t: float) -> float:
        """The time of the first beat at or after ``t`` seconds; a bar line is one."""
        beat = self.tempo.beat_at(t)
        bar = self.bar_at(beat)
        ahead = math.ceil(beat - bar.beat - _ON_BAR)
        return max(t, self.tempo.position_at(bar.beat + min(ahead, bar.beats)))

    def from_time(self, t: float) -> MeterMap:
        """The same on an axis whose second 0 is at ``t`` seconds."""
        return replace(self, tempo=self.tempo.on_clock(t, 0.0, 1.0))

    def changes(self) -> tuple[MeterChange, ...]:
        """The rows that ``meter_of`` makes this map of; beats are counted from a bar line."""
        origin = self.signatures[0].beat
        starts = self.tempo.positions_at(self._starts[1:]).tolist()
        times = {round(change.position, 6): change.position for change in self.tempo.changes}
        times = {round(t, 6): t for t in starts} | times
        rows = []
        for _, t in sorted(times.items()):
            beat = self.tempo.beat_at(t)
            bar = self.bar_at(beat)
            rows.append(MeterChange(t, self.tempo.tempo_at(t), bar.numerator, bar.denominator, beat - origin))
        return tuple(rows)


def steady_meter(
    bpm: float,
    signature: tuple[int, int] = (4, 4),
    bar_at: float = 0.0,
    source: Source = "given",
    confidence: float = 1.0,
) -> MeterMap:
    """Make a map of one tempo and one signature, with a bar that begins at ``bar_at`` seconds.

    Raises errors.RequestError.
    """
    return MeterMap(TempoMap((TempoChange(bar_at, bpm),)), (Signature(0.0, *signature),), source, confidence)


def next_change(
    before: MeterChange | None, t: float, bpm: float, signature: tuple[int, int] | None, beat: float | None
) -> MeterChange:
    """Check one more row of a map and complete it: None is as before, at first 4/4 with a bar that begins at ``t``.

    Raises errors.RequestError for a row that cannot come after ``before``.
    """
    _check_tempo(bpm)
    if not abs(t) <= LAST_SECOND:
        raise RequestError(f"A tempo at {t:g} s is off the time axis; give seconds from the first sample of the audio.")
    if beat is not None and not abs(beat) <= LAST_SECOND:
        raise RequestError(f"A tempo at beat {beat:g} is off the timeline; give quarter notes.")
    if signature is not None:
        check_signature(*signature)
    if before is None:
        return MeterChange(t, bpm, *(signature or (4, 4)), 0.0 if beat is None else beat)
    if t <= before.t:
        raise RequestError(f"A tempo at {t:g} s comes after the one at {before.t:g} s; send them in order of time.")
    minutes = (t - before.t) / 60.0
    beat = before.beat + minutes * before.bpm if beat is None else beat
    _check_between(before.t, t, (beat - before.beat) / minutes)
    return MeterChange(t, bpm, *(signature or (before.numerator, before.denominator)), beat)


def meter_of(rows: Sequence[MeterChange], source: Source) -> MeterMap:
    """Make a map of rows that ``next_change`` made, at least one.

    Between two rows the tempo is what leads from the beat of the first to that of the second.
    """
    tempi = [60.0 * (b.beat - a.beat) / (b.t - a.t) for a, b in pairwise(rows)] + [rows[-1].bpm]
    changes = tuple(TempoChange(row.t, tempo) for row, tempo in zip(rows, tempi, strict=True))
    first = Signature(0.0, rows[0].numerator, rows[0].denominator)
    signatures = [replace(first, beat=rows[0].beat - rows[0].beat % first.beats)]
    for before, row in pairwise(rows):
        if (row.numerator, row.denominator) != (before.numerator, before.denominator):
            signatures.append(Signature(row.beat, row.numerator, row.denominator))
    return MeterMap(TempoMap(changes, rows[0].beat), tuple(signatures), source)


def check_signature(numerator: int, denominator: int) -> None:
    """Raise errors.RequestError for a signature that no bar can have."""
    if not is_signature(numerator, denominator):
        raise RequestError(f"There is no signature {numerator}/{denominator}; {SIGNATURES}.")


def _check_tempo(bpm: float, leeway: float = 0.0) -> None:
    if not TEMPO.low * (1 - leeway) <= bpm <= TEMPO.high * (1 + leeway):
        raise RequestError(
            f"A tempo of {bpm:g} is outside {TEMPO.low:g} to {TEMPO.high:g} quarter notes a minute; give another."
        )


def _check_between(t0: float, t1: float, bpm: float) -> None:
    try:
        _check_tempo(bpm, _LEEWAY)
    except RequestError as error:
        raise RequestError(
            f"From {t0:g} to {t1:g} s the beats go on at {bpm:g} a minute, outside {TEMPO.low:g} to {TEMPO.high:g}; "
            "send beats that fit the times, or none."
        ) from error


def _check_ascending(what: str, numbers: Sequence[float]) -> None:
    if not all(math.isfinite(number) for number in numbers) or any(b <= a for a, b in pairwise(numbers)):
        raise RequestError(f"The {what} must be numbers in ascending order; sort the map.")


#: Where nothing has a beat: a tempo to count by, and bars that mean nothing.
NO_METER = steady_meter(120.0, source="none", confidence=0.0)
