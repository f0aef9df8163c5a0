"""Detects copying: the longest run of notes that a training score has too, in any key, with the same rests between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from diffroll_live.composer.vocabulary import Ints
from diffroll_live.training.composing.scores import Score

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15 | 1)
SCRAMBLER = np.uint64(0xD6E8FEB86659FD93)
LONGEST = 128  # notes
MOST_WAIT = 511  # ticks between two notes that are told apart
Hashes = npt.NDArray[np.uint64]


class TrainingScores:
    """The steps from note to note of all training scores, one after the other."""

    def __init__(self, scores: Sequence[Score]) -> None:
        self._runs = _Runs([steps(score.notes[:, [0, 2]]) for score in scores if score.split == "train"])

    def longest(self, fills: Sequence[Ints]) -> Ints:
        """For each of these rows (tick, pitch, ...), how many notes its longest run has that occurs in training."""
        written = _Runs([steps(rows[:, :2]) for rows in fills])
        found = np.zeros(len(fills), np.int64)
        theirs, ours = self._runs.begins, written.begins
        for length in range(1, LONGEST):  # a run can only go on where a shorter one has been found
            theirs, known = self._runs.of(length, theirs)
            ours, new = written.of(length, ours)
            few = np.unique(new)
            if not len(few) or not len(known):
                break
            at = np.searchsorted(few, known).clip(max=len(few) - 1)
            theirs = theirs[few[at] == known]
            ours = ours[np.isin(new, known[few[at] == known])]
            found[written.part[ours]] = length + 1
        return found


def steps(rows: Ints) -> Ints:
    """From note to note, in order of onset and pitch: ticks and semitones in one number; (n_notes - 1,)."""
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    wait, interval = np.diff(rows, axis=0).T
    return np.minimum(wait, MOST_WAIT) * 256 + interval + 128


class _Runs:
    """Hashes of runs within each of several parts; ``part`` is which of them a run that begins somewhere is of."""

    def __init__(self, parts: Sequence[Ints]) -> None:
        values = np.concatenate([np.zeros(0, np.int64), *parts])
        sizes = [len(part) for part in parts]
        self.part, self.begins = np.repeat(np.arange(len(parts)), sizes), np.arange(len(values))
        self._last = np.repeat(np.cumsum([0, *sizes])[1:], sizes)
        powers = np.cumprod(np.full(len(values), MULTIPLIER))
        scrambled = (values + 1).astype(np.uint64) * SCRAMBLER
        self._sums = np.append(np.uint64(0), np.cumsum((scrambled ^ (scrambled >> np.uint64(29))) * powers))
        self._shifts = np.cumprod(np.full(len(values), np.uint64(pow(int(MULTIPLIER), -1, 2**64))))

    def of(self, length: int, begins: Ints) -> tuple[Ints, Hashes]:
        """Those of ``begins`` that have ``length`` steps before their part ends, and the hashes of these."""
        begins = begins[begins + length <= self._last[begins]]
        hashes = (self._sums[begins + length] - self._sums[begins]) * self._shifts[begins]
        return begins, hashes.astype(np.uint64, copy=False)
