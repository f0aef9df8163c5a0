"""Spans of the sustain pedal: cut, joined, and replaced within spans of time. Times are in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from diffroll_live.types import NoteEvent, PedalSpan, RequestPlan

SHORTEST = 0.02  # s; a foot is slower, and less than that is a rest of something cut

Stretch = tuple[float, float]


def replaced(
    known: Iterable[PedalSpan], heard: Iterable[PedalSpan], stretches: Sequence[Stretch]
) -> tuple[PedalSpan, ...]:
    """The ``known`` spans outside ``stretches`` of time, and those that were ``heard`` inside; sorted and apart."""
    inside = _merged(stretches)
    kept = [part for span in known for part in _parts(span, _gaps(inside))]
    new = [part for span in heard for part in _parts(span, inside)]
    return apart([*kept, *new])


def with_heard(plan: RequestPlan, heard: Sequence[PedalSpan]) -> tuple[PedalSpan, ...]:
    """The user's pedal, with what was ``heard`` in its place in the regions whose audio was heard.

    All of the user's stays where nothing was heard of a pedal, as by a network that has no ear for it.
    """
    if not heard:
        return plan.pedal
    regions = [region for region in plan.regions if region not in plan.hidden]
    return replaced(plan.pedal, heard, [(region.onset, region.offset) for region in regions])


def apart(spans: Iterable[PedalSpan]) -> tuple[PedalSpan, ...]:
    """Join spans of a channel that touch or overlap; sorted by time."""
    joined: dict[int, list[PedalSpan]] = {}
    for span in sorted(spans):
        row = joined.setdefault(span.channel, [])
        if row and span.down <= row[-1].up:
            row[-1] = PedalSpan(row[-1].down, max(row[-1].up, span.up), span.channel)
        else:
            row.append(span)
    return tuple(sorted(span for row in joined.values() for span in row if span.up - span.down >= SHORTEST))


def held(notes: Iterable[NoteEvent], pedal: Iterable[PedalSpan]) -> tuple[NoteEvent, ...]:
    """The notes as they sound: one whose key is released while the pedal is down lasts until that goes up.

    Or until its key is struck again.
    """
    spans, struck = apart(pedal), dict[tuple[int, int], float]()  # when each key is struck next
    longer = []
    for at, note in sorted(enumerate(notes), key=lambda row: row[1].onset, reverse=True):
        last = max((span.up for span in spans if span.down <= note.offset < span.up), default=note.offset)
        key = note.channel, note.pitch
        last = max(note.offset, min(last, struck.get(key, last)))
        struck[key] = note.onset
        longer.append((at, replace(note, offset=last)))
    return tuple(note for _, note in sorted(longer))


def _parts(span: PedalSpan, stretches: Iterable[Stretch]) -> list[PedalSpan]:
    """What of a span lies in stretches."""
    cuts = ((max(span.down, begin), min(span.up, end)) for begin, end in stretches)
    return [PedalSpan(down, up, span.channel) for down, up in cuts if down < up]


def _merged(stretches: Sequence[Stretch]) -> list[Stretch]:
    out: list[Stretch] = []
    for begin, end in sorted(stretches):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def _gaps(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The time around sorted stretches that are apart."""
    edges = [-float("inf"), *(edge for stretch in stretches for edge in stretch), float("inf")]
    return list(zip(edges[::2], edges[1::2], strict=True))
