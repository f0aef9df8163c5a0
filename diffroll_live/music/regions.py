"""The regions of a task: checks, which notes are kept and which replaced. No torch, no audio.

Regions are where notes may be written. Every note of the user's outside them comes back unchanged.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from diffroll_live.errors import AudioError, BadRegion, RequestError
from diffroll_live.limits import LIMITS, MAX_KNOWN, MAX_REGIONS
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH, SLACK, pitch_name
from diffroll_live.types import NoteEvent, Options, Region, Request

SHORTEST = 0.02  # s; a shorter region holds no note
ROUNDING = 0.01  # s that a region may exceed its bounds by, since DAWs round


def check(request: Request, max_seconds: float) -> None:
    """Raise BadRegion, RequestError or AudioError for a request that cannot be fulfilled."""
    check_options(request.options)
    if request.task != "generate":
        if request.audio is None:
            raise AudioError(f"The task {request.task} needs audio; send a buffer first.")
        if request.audio.seconds > max_seconds:
            raise AudioError(
                f"The audio is {request.audio.seconds:.0f} s long; at most {max_seconds:.0f} s fit. Send a part of it."
            )
    if request.task == "inpaint" and not request.regions:
        raise BadRegion("Filling needs at least one region that says where to write.")
    if len(request.regions) > MAX_REGIONS:
        raise BadRegion(f"There are {len(request.regions)} regions; at most {MAX_REGIONS} fit in one job.")
    for region in request.regions:
        check_region(region)
    cut_regions(request)
    if len(request.known) > MAX_KNOWN:
        raise RequestError(f"There are {len(request.known)} notes; at most {MAX_KNOWN} fit in one job.")


def check_options(options: Options) -> None:
    """Raise RequestError for an option outside its limits."""
    for name, limit in LIMITS.items():
        value = getattr(options, name)
        if value is not None:
            try:
                limit.check(value)
            except RequestError as error:
                raise RequestError(f"{name} {error.text}.") from error


def check_region(region: Region) -> None:
    """Raise BadRegion for a region that is empty, reversed or outside the piano."""
    where = f"The region {region.onset:g}-{region.offset:g} s"
    if not (math.isfinite(region.onset) and math.isfinite(region.offset)):
        raise BadRegion("A region's times must be finite numbers of seconds.")
    if region.offset - region.onset < SHORTEST:
        raise BadRegion(f"{where} is empty or reversed; it must end after it begins.")
    if not LOW_PITCH <= region.low <= region.high <= HIGH_PITCH:
        low, high = pitch_name(LOW_PITCH), pitch_name(HIGH_PITCH)
        raise BadRegion(
            f"{where} has the pitches {region.low} to {region.high}; give the lower one first, both within "
            f"{LOW_PITCH} ({low}) to {HIGH_PITCH} ({high})."
        )


def span(request: Request) -> tuple[float, float]:
    """The time span in which a task's regions may lie, in seconds: its audio, or what follows it."""
    seconds = request.options.seconds
    if request.task == "generate" or request.audio is None:
        return 0.0, seconds
    end = request.audio.seconds
    return (end, end + seconds) if request.task == "continue" else (0.0, end)


def cut_regions(request: Request) -> tuple[Region, ...]:
    """Return the regions of a request, trimmed where they exceed its span by no more than ROUNDING.

    Raises BadRegion for one that exceeds it by more, or of which nothing is left.
    """
    begin, end = span(request)
    cut = []
    for region in request.regions:
        inside = replace(region, onset=max(region.onset, begin), offset=min(region.offset, end))
        out = max(inside.onset - region.onset, region.offset - inside.offset)
        if out > ROUNDING or inside.onset >= inside.offset:
            raise BadRegion(
                f"The region {region.onset:g}-{region.offset:g} s extends beyond {begin:.2f} to {end:.2f} s, where the "
                f"regions of {request.task} must lie."
            )
        cut.append(inside)
    return tuple(cut)


def written_regions(request: Request) -> tuple[Region, ...]:
    """The regions that the task may write in: those of the request, or its whole span."""
    if request.regions:
        return cut_regions(request)
    return (Region(*span(request), hear=request.task == "transcribe"),)


def hidden_regions(request: Request, regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Those of ``regions`` whose audio is hidden, or that lie after the audio."""
    if request.task == "transcribe":
        return ()
    unplayed = request.task in ("continue", "generate")
    return tuple(r for r in regions if unplayed or not r.hear)


def holds(region: Region, note: NoteEvent) -> bool:
    """Whether a note starts in a region."""
    return region.onset <= note.onset < region.offset and region.low <= note.pitch <= region.high


def kept(known: Iterable[NoteEvent], regions: tuple[Region, ...]) -> tuple[NoteEvent, ...]:
    """The notes that start outside all regions; they come back unchanged."""
    return tuple(note for note in known if not any(holds(region, note) for region in regions))


def lasts(note: NoteEvent, min_note: float) -> bool:
    """Whether a note lasts ``min_note`` seconds, and at least the shortest possible time."""
    return note.duration >= max(min_note, SHORTEST) - SLACK


def fit(
    new: Iterable[NoteEvent], regions: tuple[Region, ...], keep: Iterable[NoteEvent], min_note: float
) -> tuple[NoteEvent, ...]:
    """Confine new notes to the regions they start in, and make room for the kept ones.

    A new note ends no later than its region. It is dropped if a kept note of its pitch is sounding, and ends where the
    next kept note of its pitch starts. Notes that are then shorter than ``min_note`` seconds are dropped.
    """
    by_pitch: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for note in keep:
        by_pitch[note.pitch].append((note.onset, note.offset))
    for spans in by_pitch.values():
        spans.sort()
    fitted = []
    for note in new:
        region = next((r for r in regions if holds(r, note)), None)
        if region is None:
            continue
        offset = min(note.offset, region.offset)
        spans = by_pitch.get(note.pitch, [])
        at = bisect_right(spans, (note.onset, math.inf))
        if at and spans[at - 1][1] > note.onset:
            continue
        if at < len(spans):
            offset = min(offset, spans[at][0])
        fitted.append(NoteEvent(note.onset, offset, note.pitch, note.velocity, note.channel))
    return tuple(note for note in fitted if lasts(note, min_note))
