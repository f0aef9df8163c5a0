"""A hole as somebody has filled it: what all measures look at. Rows of whole ticks, before, inside and after."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from diffroll_live.composer.steps import TRIPLETS
from diffroll_live.composer.vocabulary import N_KEYS, TICKS_PER_QUARTER, Ints
from diffroll_live.evaluation.composing.holes import Hole
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import LOW_PITCH

PLACES = np.array([*TRIPLETS, TICKS_PER_QUARTER])


@dataclass(frozen=True)
class Filled:
    """Rows (onset, offset, pitch, velocity) in ticks, with fractions, that a writer put into a hole.

    ``inside``, ``before`` and ``after`` are rows (tick, pitch, ticks), sorted; what was ``played`` is first put on the
    nearest sixteenth or place of a triplet.
    """

    hole: Hole
    rows: NoteArray
    played: bool = False

    @cached_property
    def inside(self) -> Ints:
        """The notes that were written."""
        return _whole(self.rows, played=self.played)

    @cached_property
    def around(self) -> Ints:
        """The notes that were given."""
        return _whole(self.hole.around())

    @cached_property
    def before(self) -> Ints:
        """The given notes up to the hole, of its pitches."""
        return self._beside(self.around[:, 0] < self.hole.begin)

    @cached_property
    def after(self) -> Ints:
        """The given notes after the hole, of its pitches."""
        return self._beside(self.around[:, 0] >= self.hole.end)

    def _beside(self, there: npt.NDArray[np.bool_]) -> Ints:
        pitch = self.around[:, 1]
        return self.around[there & (pitch >= self.hole.low) & (pitch <= self.hole.high)]

    @property
    def beats(self) -> float:
        """Quarter notes in the hole."""
        return (self.hole.end - self.hole.begin) / TICKS_PER_QUARTER

    def places(self, rows: Ints) -> Ints:
        """Ticks from the bar line to the onset of each of these rows."""
        excerpt = self.hole.excerpt
        return rows[:, 0] - excerpt.lines[excerpt.bar_of(rows[:, 0])]


def _whole(rows: NoteArray, *, played: bool = False) -> Ints:
    onset = _nearest_place(rows[:, 0]) if played else np.rint(rows[:, 0])
    ticks = np.maximum(np.rint(rows[:, 1] - rows[:, 0]), 1)
    whole = np.stack([onset, rows[:, 2], ticks], 1).astype(np.int64)
    whole = whole[(whole[:, 1] >= LOW_PITCH) & (whole[:, 1] < LOW_PITCH + N_KEYS)]
    return whole[np.lexsort((whole[:, 1], whole[:, 0]))]


def _nearest_place(ticks: NoteArray) -> NoteArray:
    within = ticks % TICKS_PER_QUARTER
    nearest = PLACES[np.abs(within[:, None] - PLACES).argmin(1)]
    return ticks - within + nearest
