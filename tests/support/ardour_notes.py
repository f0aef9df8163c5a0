"""Notes that went through a DAW, compared with what went in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from diffroll_live.types import NoteEvent


def assert_alike(found: Sequence[NoteEvent], wanted: Sequence[NoteEvent], tolerance: float) -> None:
    """Compare pitches and velocities exactly, times within a tolerance in s."""
    found, wanted = sorted(found, key=_by_pitch), sorted(wanted, key=_by_pitch)
    assert [(n.pitch, n.velocity) for n in found] == [(n.pitch, n.velocity) for n in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert abs(one.onset - other.onset) <= tolerance
        assert abs(one.offset - other.offset) <= tolerance


def _by_pitch(note: NoteEvent) -> tuple[int, float]:
    return note.pitch, note.onset


def moved(notes: Iterable[NoteEvent], seconds: float) -> list[NoteEvent]:
    return [replace(note, onset=note.onset + seconds, offset=note.offset + seconds) for note in notes]
