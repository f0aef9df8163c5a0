"""Simple writers to compare the composer with: each fills a hole, in rows of ticks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffroll_live.evaluation.composing.holes import Hole
from diffroll_live.model.roll_targets import NoteArray

COMPOSED, CHAIN = "what was composed", "Markov chain"
SEED = 4

Writer = Callable[[Hole], NoteArray]


def repeated(hole: Hole, back: int) -> NoteArray:
    """The ``back`` bars before the hole over and over."""
    lines, around = hole.excerpt.lines, hole.around()
    parts = [np.zeros((0, 4))]
    for number, bar in enumerate(range(hole.first, hole.last)):
        source = hole.first - back + number % back
        rows = around[(around[:, 0] >= lines[source]) & (around[:, 0] < lines[source + 1])].copy()
        rows[:, :2] += lines[bar] - lines[source]
        parts.append(rows)
    rows = np.concatenate(parts)
    return rows[hole.holds(rows)]


def shuffled(hole: Hole) -> NoteArray:
    """What was composed, with its pitches in another order: the rhythm is right, and nothing else."""
    rows = hole.composed().copy()
    rows[:, 2] = np.random.default_rng([hole.seed, SEED]).permutation(rows[:, 2])
    _, first = np.unique(rows[:, [0, 2]], axis=0, return_index=True)
    return rows[first]


#: Those that need nothing but the hole; the ones that repeat need something before it.
WRITERS: dict[str, Writer] = {
    COMPOSED: Hole.composed,
    "the bar before, repeated": lambda hole: repeated(hole, 1),
    "two bars before, repeated": lambda hole: repeated(hole, 2),
    "the same pitches, shuffled": shuffled,
}
REPEATERS = ("the bar before, repeated", "two bars before, repeated")
