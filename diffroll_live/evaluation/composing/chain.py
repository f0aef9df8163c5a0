"""A first-order Markov chain over the notes of the training scores, as a writer to compare with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffroll_live.evaluation.composing.holes import Hole
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.composing.scores import Score

LONGEST_WAIT = 96  # ticks to the next note, at most
SEED = 3


class Chain:
    """From each pitch to what follows it: ticks until then, pitch, ticks that it lasts."""

    def __init__(self, scores: Sequence[Score]) -> None:
        parts = []
        for score in scores:
            if score.split == "train":
                notes = score.notes[np.lexsort((score.notes[:, 2], score.notes[:, 0]))]
                wait = np.minimum(np.diff(notes[:, 0]), LONGEST_WAIT)
                parts.append(np.stack([notes[:-1, 2], wait, notes[1:, 2], notes[1:, 1]], 1))
        steps = np.concatenate(parts)
        self._steps = steps[np.argsort(steps[:, 0], kind="stable")]
        self._first = np.searchsorted(self._steps[:, 0], np.arange(129))

    def __call__(self, hole: Hole) -> NoteArray:
        """Go on from the last note before the hole to its end; what falls outside its pitches is left out."""
        rng = np.random.default_rng([hole.seed, SEED])
        before = hole.around()
        before = before[before[:, 0] < hole.begin]
        tick = int(before[-1, 0]) if len(before) else hole.begin
        pitch = int(before[-1, 2]) if len(before) else int(self._steps[rng.integers(len(self._steps)), 0])
        found: dict[tuple[int, int], tuple[int, int, int, int]] = {}
        while tick < hole.end:
            low, high = self._first[pitch], self._first[pitch + 1]
            _, wait, pitch, ticks = self._steps[rng.integers(low, high) if high > low else 0].tolist()
            tick += wait
            found.setdefault((tick, pitch), (tick, tick + ticks, pitch, 0))
        rows = np.array(sorted(found.values()), float).reshape(-1, 4)
        return rows[hole.holds(rows)]
