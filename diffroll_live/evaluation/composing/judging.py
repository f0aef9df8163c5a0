"""What the judge makes of fills: of the notes in the hole, and of how they lead into what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.judge import Judge, bits, encode
from diffroll_live.music.roll import LOW_PITCH


@dataclass(frozen=True, slots=True)
class Verdict:
    """Bits a note: of what was written, and of the bar that comes after it. nan where there is nothing."""

    inside: float
    after: float


def verdict(judge: Judge, filled: Filled) -> Verdict:
    """Read the music around with the fill in it, from left to right."""
    rows = np.concatenate([filled.around, filled.inside])
    written = np.repeat([False, True], [len(filled.around), len(filled.inside)])
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    rows, written = rows[order], written[order]
    excerpt = filled.hole.excerpt
    found = bits(judge, encode(rows[:, 0], rows[:, 1] - LOW_PITCH, rows[:, 2], excerpt.lines))
    follows = ~written & (excerpt.bar_of(rows[:, 0]) == filled.hole.last)
    return Verdict(_mean(found[written]), _mean(found[follows]))


def verdicts(judge: Judge, fills: Sequence[Filled]) -> tuple[float | None, float | None]:
    """The means over fills of what ``verdict`` says of each."""
    each = [verdict(judge, filled) for filled in fills]
    pairs = np.array([(one.inside, one.after) for one in each]).reshape(-1, 2)
    inside, after = (_mean(column) for column in pairs.T)
    return (None if np.isnan(inside) else inside), (None if np.isnan(after) else after)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
