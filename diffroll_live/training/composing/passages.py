"""Random passages of scores, moved in pitch, with something hidden in each: what the composer learns from. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from diffroll_live.composer.passage import Passage
from diffroll_live.composer.vocabulary import N_KEYS
from diffroll_live.training.composing.holes import less_known, random_hole
from diffroll_live.training.composing.scores import Score, bars_of

LONGEST, SHORTEST = 16, 4  # bars
MOST_STEPS = 208
FEWEST_NOTES = 12
TRANSPOSE = 6  # semitones, up and down
BEGINNING_SHARE = ENDING_SHARE = 0.06  # of passages that begin or end with their piece
LENGTH_POWER = 0.75  # of a piece's bars, in the chance that a passage is taken from it
WEIGHTS = {"pop909": 0.8}  # of collections; 1 for the others


class Passages:
    """Draws passages of ``scores``; of the same ``rng``, the same."""

    def __init__(self, scores: Sequence[Score]) -> None:
        self._scores = [score for score in scores if len(score.bars) >= SHORTEST]
        weights = [WEIGHTS.get(score.corpus, 1.0) * len(score.bars) ** LENGTH_POWER for score in self._scores]
        self._chances = np.cumsum(weights) / np.sum(weights)

    def draw(self, rng: np.random.Generator, *, augment: bool = True) -> Passage:
        """Draw a passage with a hole; ``augment`` moves it in pitch and tells less of its metre now and then."""
        while True:
            score = self._scores[int(np.searchsorted(self._chances, rng.random()))]
            passage = self._cut(score, rng, augment=augment)
            if passage is not None and passage.is_hidden().any():
                return passage

    def _cut(self, score: Score, rng: np.random.Generator, *, augment: bool) -> Passage | None:
        first, last = _bars(len(score.bars), rng)
        grid, notes = bars_of(score, first, last)
        if grid.n_steps > MOST_STEPS:
            last = first + int(grid.bar[MOST_STEPS])
            if last - first < SHORTEST:
                return None
            grid, notes = bars_of(score, first, last)
            if grid.n_steps > MOST_STEPS:  # with fewer bars it may have triplets no more, never the other way round
                return None
        if augment:
            notes[:, 1] += int(rng.integers(-TRANSPOSE, TRANSPOSE + 1))
            notes = notes[(notes[:, 1] >= 0) & (notes[:, 1] < N_KEYS)]
            grid = less_known(grid, rng)
        if len(notes) < FEWEST_NOTES:
            return None
        told = rng.random(3) < 0.5
        begin, end = (first if told[0] else None), (len(score.bars) - last if told[1] else None)
        passage = Passage(grid, notes, random_hole(grid, notes, rng), None, begin, end)
        return replace(passage, density=passage.hidden_density()) if told[2] else passage


def _bars(n_bars: int, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the first and the last bar of a passage of a piece of ``n_bars``."""
    chance = rng.random()
    first = int(rng.integers(0, max(n_bars - SHORTEST, 1)))
    if chance < BEGINNING_SHARE:
        first = 0
    elif chance > 1 - ENDING_SHARE:
        first = max(n_bars - int(rng.integers(6, LONGEST + 1)), 0)
    return first, min(first + LONGEST, n_bars)
