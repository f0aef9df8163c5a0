"""Detects copying: the longest run of notes that also occurs in the training rolls, in any key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.corpus.pieces import Corpus

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15 | 1)
CHORD = 0.03  # s; onsets this close are ordered by pitch
LONGEST = 256  # notes
Hashes = npt.NDArray[np.uint64]


class Training:
    """The intervals between the notes of all training pieces, concatenated."""

    def __init__(self, corpus: Corpus) -> None:
        parts = [intervals(corpus.piece(index).notes) for index in corpus.pieces("train")]
        self.sums, self.last = _sums(parts)
        self._known: dict[int, Hashes] = {}

    def longest_match(self, pieces: Sequence[NoteArray]) -> int:
        """The number of notes of the longest run whose intervals occur in the training rolls."""
        parts = [intervals(rows) for rows in pieces]
        sums, last = _sums(parts)
        low, high = 0, min(max(map(len, parts), default=0), LONGEST)
        while low < high:
            length = (low + high + 1) // 2
            if self._has(_runs(sums, last, length), length):
                low = length
            else:
                high = length - 1
        return low + 1 if low else 0

    def _has(self, runs: Hashes, length: int) -> bool:
        """Whether any of ``runs`` occurs in the training rolls: the few are sorted, the many are looked up."""
        if length not in self._known:
            self._known[length] = _runs(self.sums, self.last, length)
        few, many = np.sort(runs), self._known[length]
        at = np.searchsorted(few, many).clip(max=max(len(few) - 1, 0))
        return bool(len(few)) and bool((few[at] == many).any())


def intervals(rows: NoteArray) -> npt.NDArray[np.int64]:
    """Semitones from each note to the next; chords from below."""
    order = np.lexsort((rows[:, 2], np.round(rows[:, 0] / CHORD)))
    return np.diff(rows[order, 2].astype(np.int64))


def _sums(parts: Sequence[npt.NDArray[np.int64]]) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Running polynomial sums modulo 2^64 of all parts, and the end of the part at each position."""
    values = np.concatenate([*parts, np.zeros(0, np.int64)])
    powers = np.cumprod(np.full(len(values), MULTIPLIER))
    scrambled = (values + 129).astype(np.uint64) * np.uint64(0xD6E8FEB86659FD93)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(scrambled * powers, dtype=np.uint64)])
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return sums, np.repeat(ends, [len(part) for part in parts])


def _runs(sums: Hashes, last: npt.NDArray[np.int64], length: int) -> Hashes:
    """A position-independent hash of every run of ``length`` values within a part."""
    begins = np.arange(len(last) - length + 1) if len(last) >= length else np.zeros(0, np.int64)
    begins = begins[begins + length <= last[begins]]
    inverse = pow(int(MULTIPLIER), -1, 2**64)
    shift = np.cumprod(np.full(len(last) + 1, np.uint64(inverse)))
    return np.asarray((sums[begins + length] - sums[begins]) * shift[begins], np.uint64)
