"""What a job asks to be done to notes on their way out: to the DAW's grid, to a scale. The result stays as it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from diffroll_live.music.grid import Grid
from diffroll_live.music.scales import Scale
from diffroll_live.music.tempo_map import TempoTrack
from diffroll_live.types import NoteEvent


@dataclass(frozen=True, slots=True)
class NoteShaping:
    """A grid on the DAW's tempo and a scale, each or none; ``origin`` is the DAW position of second 0 of the notes.

    Notes that are ``kept``, the user's own, are left alone.
    """

    grid: Grid | None
    scale: Scale | None
    track: TempoTrack
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
        beat = self.track.beat_at(self.origin + note.onset)
        moved = self.grid.snap(beat, least=self.track.beat_at(self.origin))
        onset = max(0.0, self.track.position_at(moved) - self.origin)
        return replace(note, onset=onset, offset=onset + note.duration)
