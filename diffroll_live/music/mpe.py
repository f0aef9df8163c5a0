"""Notes that bend on MIDI channels of their own, as MIDI Polyphonic Expression has it (MPE 1.0, M1-100-UM).

The lower zone: its manager is channel 0, the others are its members, and each sounding note has one to itself.
"""

from __future__ import annotations

import logging
import math
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from diffroll_live.types import Bend, NoteEvent, PedalSpan

logger = logging.getLogger(__name__)

MANAGER = 0
MEMBERS = range(1, 16)
RANGE = 48  # semitones of a full bend on a member, which is also what MPE says where nobody does
CENTRE = 8192  # of the 14 bits of a bend
HIGHEST = 16_383
BEND_RANGE, ZONE, NO_PARAMETER = (0, 0), (0, 6), (127, 127)  # registered parameters
PARAMETER_LOW, PARAMETER_HIGH, DATA, DATA_LOW = 100, 101, 6, 38  # controllers that choose one, and set it
STEP = 0.01  # s between two values of a bend


@dataclass(frozen=True, slots=True, order=True)
class BendValue:
    """From ``at`` on, in seconds, the notes of a channel are bent by ``value``, 1 to HIGHEST."""

    at: float
    channel: int
    value: int


@dataclass(frozen=True, slots=True)
class Expression:
    """Notes on their channels, sorted, and the values of the bends of each, in the same order."""

    notes: tuple[NoteEvent, ...]
    values: tuple[tuple[BendValue, ...], ...]
    members: int  # of the zone

    @property
    def channels(self) -> tuple[int, ...]:
        """The channels that are used, the manager's among them."""
        return tuple(sorted({MANAGER, *(note.channel for note in self.notes)}))

    def pedal(self, spans: Iterable[PedalSpan]) -> tuple[PedalSpan, ...]:
        """The manager's pedal on all channels of the zone, since receivers that know no MPE take it on each alone."""
        channels = [channel for channel in self.channels if channel <= self.members]
        wide = ((span, channels if span.channel == MANAGER else [span.channel]) for span in spans)
        return tuple(sorted(replace(span, channel=channel) for span, each in wide for channel in each))


def express(notes: Iterable[NoteEvent], bends: Iterable[Bend]) -> Expression:
    """Spread the notes of channel 0 over the zone's members, and sample their bends.

    Notes that bend come first; a note that finds no channel free is played on the manager's, where it does not bend.
    Notes on other channels stay, and the zone ends before the lowest of these. Where none bends, all stay.
    """
    known = sorted(notes)
    there = frozenset(known)
    curves = {bend.note: bend for bend in bends if bend.note in there}
    if not curves:
        return Expression(tuple(known), ((),) * len(known), 0)
    members = range(1, min((note.channel for note in known if note.channel != MANAGER), default=MEMBERS.stop))
    mine = [note for note in known if note.channel == MANAGER]
    placed = _spread(mine, [note in curves for note in mine], members)
    lost = sum(note in curves and channel == MANAGER for note, channel in zip(mine, placed, strict=True))
    if lost:
        logger.warning("%d notes are not bent, as the %d channels for notes that bend were taken", lost, len(members))
    rows = [(replace(note, channel=channel), curves.get(note)) for note, channel in zip(mine, placed, strict=True)]
    rows += [(note, None) for note in known if note.channel != MANAGER]
    rows.sort(key=lambda row: row[0])
    values = tuple(_values(note, bend) if note.channel in members else () for note, bend in rows)
    return Expression(tuple(note for note, _ in rows), values, len(members))


def parameter(number: tuple[int, int], *data: int) -> list[tuple[int, int]]:
    """The controllers and values that set a registered parameter, and then none, so that later data changes nothing."""
    pairs = [(PARAMETER_HIGH, number[0]), (PARAMETER_LOW, number[1]), *zip((DATA, DATA_LOW), data, strict=False)]
    return [*pairs, (PARAMETER_HIGH, NO_PARAMETER[0]), (PARAMETER_LOW, NO_PARAMETER[1])]


def semitones_of(value: int, span: float = RANGE) -> float:
    """What a value of 14 bits bends by, where a full bend is ``span`` semitones."""
    return (value - CENTRE) / CENTRE * span


def _values(note: NoteEvent, bend: Bend | None) -> tuple[BendValue, ...]:
    """The values of a note: one at its onset, and then whenever they change."""
    if bend is None:
        return (BendValue(note.onset, note.channel, CENTRE),)
    after, semitones = np.array(bend.points).T
    times = np.arange(0.0, max(min(after[-1], note.duration), 0.0) + STEP / 2, STEP)
    raw = np.rint(CENTRE + np.interp(times, after, semitones) * CENTRE / RANGE)
    values = np.clip(raw, 1, HIGHEST).astype(int)
    new = np.flatnonzero(np.append(True, np.diff(values) != 0))
    pairs = zip(times[new].tolist(), values[new].tolist(), strict=True)
    return tuple(BendValue(note.onset + at, note.channel, value) for at, value in pairs)


def _spread(notes: Sequence[NoteEvent], bent: Sequence[bool], members: Sequence[int]) -> list[int]:
    """A channel for each of some sorted notes: of those that are free, the one with most rest around the note."""
    taken: dict[int, list[tuple[float, float]]] = {channel: [] for channel in members}
    channels = [MANAGER] * len(notes)
    for at in sorted(range(len(notes)), key=lambda at: not bent[at]):
        note = notes[at]
        rest, channel = max(((_rest(spans, note), -channel) for channel, spans in taken.items()), default=(-1.0, 0))
        if rest >= 0:
            channels[at] = -channel
            insort(taken[-channel], (note.onset, note.offset))
    return channels


def _rest(spans: Sequence[tuple[float, float]], note: NoteEvent) -> float:
    """Seconds between a note and its neighbours on a channel, the nearer of the two; negative where one overlaps it."""
    at = bisect_right(spans, (note.onset, math.inf))
    before = note.onset - spans[at - 1][1] if at else math.inf
    after = spans[at][0] - note.offset if at < len(spans) else math.inf
    return min(before, after)
