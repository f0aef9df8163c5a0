"""The notes of a MIDI track: which event begins each, and which ends it."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

from diffroll_live.files.midi_repair import Chunk

_OFF, _ON = 0x80, 0x90
_HIGHEST = 127  # of a data byte; damaged files have more


@dataclass(frozen=True, slots=True)
class TrackNote:
    """A note from the tick ``onset`` to ``offset``.

    ``on`` and ``off`` are the places of its events in the track; a note that is never ended has no ``off``.
    """

    onset: int
    offset: int
    channel: int
    pitch: int
    velocity: int
    on: int
    off: int | None


def notes_of(track: Chunk) -> list[TrackNote]:
    """Read the notes of a track, in the order in which they end.

    Of overlapping notes on one key of a channel, the one that began first ends first. Notes that are never ended end
    with the track; no note is shorter than a tick.
    """
    notes = []
    open_notes: dict[tuple[int, int], deque[int]] = defaultdict(deque)  # the places of their beginnings, oldest first
    for at, (tick, event) in enumerate(track.events):
        kind = event[0] & 0xF0
        if kind not in (_OFF, _ON):
            continue
        waiting = open_notes[event[0] & 0x0F, min(event[1], _HIGHEST)]
        if kind == _ON and event[2] > 0:
            waiting.append(at)
        elif waiting:
            notes.append(_note(track, waiting.popleft(), at, tick))
    return notes + [_note(track, on, None, track.end) for waiting in open_notes.values() for on in waiting]


def _note(track: Chunk, on: int, off: int | None, end: int) -> TrackNote:
    tick, (status, pitch, velocity) = track.events[on]
    data = min(pitch, _HIGHEST), min(velocity, _HIGHEST)
    return TrackNote(tick, max(end, tick + 1), status & 0x0F, *data, on, off)
