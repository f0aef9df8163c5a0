"""Regions and the notes in and around them: what a region may be, which notes are kept, how new ones are fitted in.

A region is where notes may be written. Every note that the user has outside all regions is returned unchanged.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from diffroll_live.errors import BadRegion
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH, SLACK, pitch_name
from diffroll_live.types import NoteEvent, Region

SHORTEST = 0.02  # s; a shorter region holds no note
ROUNDING = 0.01  # s that a region may exceed its bounds by, since DAWs round
LAST_SECOND = 86_400.0  # a later time is a mistake


def check_region(region: Region) -> None:
    """Raise BadRegion for a region that is too short, reversed, or off the time axis or the piano."""
    where = f"The region {region.onset:g}-{region.offset:g} s"
    if not (-ROUNDING <= region.onset <= LAST_SECOND and -ROUNDING <= region.offset <= LAST_SECOND):
        raise BadRegion(f"{where} is not on the time axis; times are seconds from the first sample of the audio.")
    if region.offset - region.onset < SHORTEST:
        raise BadRegion(f"{where} is shorter than {SHORTEST:g} s or reversed; it must end after it begins.")
    if not LOW_PITCH <= region.low <= region.high <= HIGH_PITCH:
        low, high = pitch_name(LOW_PITCH), pitch_name(HIGH_PITCH)
        raise BadRegion(
            f"{where} has the pitches {region.low} to {region.high}; give the lower one first, both within "
            f"{LOW_PITCH} ({low}) to {HIGH_PITCH} ({high})."
        )


def holds(region: Region, note: NoteEvent) -> bool:
    """Whether a note starts in a region."""
    return region.onset <= note.onset < region.offset and region.low <= note.pitch <= region.high


def kept(known: Iterable[NoteEvent], regions: tuple[Region, ...]) -> tuple[NoteEvent, ...]:
    """The notes that start outside all regions; they come back unchanged."""
    return tuple(note for note in known if not any(holds(region, note) for region in regions))


def spans_of(regions: Iterable[Region]) -> list[tuple[float, float]]:
    """The spans that regions cover, in seconds, in order, merged where they overlap."""
    spans: list[tuple[float, float]] = []
    for region in sorted(regions, key=lambda r: r.onset):
        if spans and region.onset < spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], region.offset)
        else:
            spans.append((region.onset, region.offset))
    return spans


def lasts(note: NoteEvent, min_note: float) -> bool:
    """Whether a note lasts ``min_note`` seconds, and at least the shortest possible time."""
    return note.duration >= max(min_note, SHORTEST) - SLACK


def fit(
    new: Iterable[NoteEvent],
    regions: tuple[Region, ...],
    keep: Iterable[NoteEvent],
    min_note: float,
    until: float | None = None,
) -> tuple[NoteEvent, ...]:
    """Confine new notes to the regions they start in, and make room for the kept ones.

    A new note ends no later than its region or, where it may ring into what follows, ``until``. It is dropped if a kept
    note of its pitch is sounding, and ends where the next kept note of its pitch starts. Notes that are then shorter
    than ``min_note`` seconds are dropped.
    """
    by_pitch: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for note in keep:
        by_pitch[note.pitch].append((note.onset, note.offset))
    sounding = {pitch: _merged(spans) for pitch, spans in by_pitch.items()}
    fitted = []
    for note in new:
        region = next((r for r in regions if holds(r, note)), None)
        if region is None:
            continue
        offset = min(note.offset, region.offset if until is None else until)
        spans = sounding.get(note.pitch, [])
        at = bisect_right(spans, (note.onset, math.inf))
        if at and spans[at - 1][1] > note.onset:
            continue
        if at < len(spans):
            offset = min(offset, spans[at][0])
        fitted.append(NoteEvent(note.onset, offset, note.pitch, note.velocity, note.channel))
    return tuple(note for note in fitted if lasts(note, min_note))


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Sort spans and join those that overlap, so that each is over before the next begins."""
    merged: list[tuple[float, float]] = []
    for onset, offset in sorted(spans):
        if merged and onset <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], offset)
        else:
            merged.append((onset, offset))
    return merged
