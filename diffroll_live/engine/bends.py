"""The bends of a request's notes, as they are read from the audio around those that were heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from diffroll_live.engine.features import Resampled
from diffroll_live.model.bending import LONGEST, STEP, Readings, read_bends
from diffroll_live.model.roll_targets import to_array
from diffroll_live.music.regions import holds
from diffroll_live.turn_types import Paused
from diffroll_live.types import Bend, NoteEvent, RequestPlan

PIECE = 10.0  # s of onsets that are read together
AROUND = 0.2  # s of audio that a reading may see beyond a note
MOVES = 0.25  # semitones between the extremes of a note that moves,
BESIDE = 0.4  # and from its pitch, of one that is held beside it
TUNED = 8  # notes from which the tuning of a recording is known
EVERY = 2  # readings between two points of a bend


@dataclass(frozen=True, slots=True)
class BendReader:
    """Reads the bends of a request's notes. ``sound`` is None where they are not wanted."""

    plan: RequestPlan
    sound: Resampled | None

    @property
    def n_bytes(self) -> int:
        """The size of the audio that it keeps."""
        return self.plan.audio.samples.nbytes if self.sound is not None and self.plan.audio is not None else 0

    def read(
        self, variations: Sequence[Sequence[NoteEvent]], check: Callable[[], None] = lambda: None
    ) -> Paused[tuple[Bend, ...]]:
        """Read those of the notes that were heard, by variation; the user's stay. Calls ``check`` now and then."""
        found = {bend.note: bend for bend in self.plan.bends}
        for notes in variations if self.sound is not None else ():
            heard = [note for note in notes if not any(holds(region, note) for region in self.plan.hidden)]
            read: dict[NoteEvent, Readings] = {}
            for piece in self._pieces(heard):
                read.update(piece)
                check()
                yield None
            found = _bends(read) | found
        return tuple(sorted(found.values()))

    def _pieces(self, heard: Sequence[NoteEvent]) -> Iterator[dict[NoteEvent, Readings]]:
        """Read notes by PIECE of their onsets, beside all others that sound there."""
        sound = self.sound
        assert sound is not None
        everything = sorted([*heard, *self.plan.kept])
        rows, new, rate = to_array(everything), frozenset(heard), sound.rate
        for piece in np.unique(rows[:, 0] // PIECE):
            begin, end = max(piece * PIECE - AROUND, 0.0), (piece + 1) * PIECE + LONGEST + AROUND
            near = np.flatnonzero((rows[:, 1] > begin - 1.0) & (rows[:, 0] < end))
            mine = rows[near, 0] // PIECE == piece
            last = min(rows[near][mine][:, 1].max() + AROUND, end)
            samples = sound.samples(round(begin * rate), round(last * rate))
            told = read_bends(samples, rate, rows[near], mine, begin)
            notes = (everything[at] for at in near[mine])
            yield {note: row for note, row in zip(notes, told, strict=True) if row is not None and note in new}


def _bends(read: dict[NoteEvent, Readings]) -> dict[NoteEvent, Bend]:
    """The notes that move, or are held beside their pitch, in the tuning that the recording keeps to."""
    tuning = float(np.median([np.median(row) for row in read.values()])) if len(read) >= TUNED else 0.0
    bent = {}
    for note, row in read.items():
        if np.ptp(row) >= MOVES or abs(np.median(row) - tuning) >= BESIDE:
            at = np.unique(np.append(np.arange(0, len(row), EVERY), len(row) - 1))
            values = np.round(row[at], 2)
            turns = np.flatnonzero(np.append(True, np.diff(values) != 0) | np.append(np.diff(values) != 0, True))
            points = zip(np.round(at[turns] * STEP, 3).tolist(), values[turns].tolist(), strict=True)
            bent[note] = Bend(note, tuple(points))
    return bent
