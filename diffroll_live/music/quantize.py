"""Quantization of a job's notes to the DAW's grid and to a scale as they are sent; the stored result is unchanged."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from diffroll_live.meter.tempo_map import TempoMap
from diffroll_live.music.grid import Grid
from diffroll_live.notation.scales import Scale
from diffroll_live.types import NoteEvent


@dataclass(frozen=True, slots=True)
class NoteShaping:
    """A grid in the DAW's tempo and a scale, each optional; ``origin`` is the DAW's position at second 0 of the notes.

    The user's own notes, those in ``kept``, are left alone.
    """

    grid: Grid | None
    scale: Scale | None
    tempo_map: TempoMap
    origin: float
    kept: Collection[NoteEvent] = frozenset()

    def apply(self, note: NoteEvent) -> NoteEvent:
        """Move a note's onset towards the grid, its duration unchanged, and its pitch to the scale."""
        if note in self.kept:
            return note
        if self.scale is not None:
            note = replace(note, pitch=self.scale.snap(note.pitch))
        if self.grid is None:
            return note
        beat = self.tempo_map.beat_at(self.origin + note.onset)
        moved = self.grid.snap(beat, earliest=self.tempo_map.beat_at(self.origin))
        onset = max(0.0, self.tempo_map.position_at(moved) - self.origin)
        return replace(note, onset=onset, offset=onset + note.duration)
