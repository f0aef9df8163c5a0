"""When notes come: the grid, the place in the bar, density, lengths, and whether they come to rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from diffroll_live.composer.vocabulary import TICKS_PER_QUARTER, Ints
from diffroll_live.evaluation.composing.filled import Filled

SIXTEENTH = 6  # ticks
NEAR = 1.0  # ticks; an onset this close to a sixteenth lies on it
MOST_PLACES = 32  # sixteenths of a bar


def on_grid(filled: Filled) -> float:
    """The share of onsets within a twenty-fourth of a quarter of a sixteenth; a third of random ones are."""
    within = filled.rows[:, 0] % SIXTEENTH
    return float((np.minimum(within, SIXTEENTH - within) < NEAR).mean())


def notes_a_beat(filled: Filled) -> float:
    """How many notes begin in a quarter."""
    return len(filled.inside) / filled.beats


def places(filled: Filled, rows: Ints) -> npt.NDArray[np.float64]:
    """How many notes begin in each sixteenth of the bar, (MOST_PLACES,)."""
    sixteenths = np.minimum(filled.places(rows) // SIXTEENTH, MOST_PLACES - 1)
    return np.bincount(sixteenths, minlength=MOST_PLACES).astype(float)


def place_distance(composed: Sequence[Filled], written: Sequence[Filled]) -> float:
    """Half the sum of the differences of where in the bar the notes of all fills begin: 0 alike, 1 nothing shared."""

    def shares(members: Sequence[Filled]) -> npt.NDArray[np.float64]:
        total = np.sum([places(filled, filled.inside) for filled in members], axis=0)
        return np.asarray(total / max(total.sum(), 1.0))

    return float(np.abs(shares(composed) - shares(written)).sum() / 2)


def places_shared(filled: Filled) -> float:
    """The overlap of the places in the bar inside and around, 0 to 1."""
    if not len(filled.around):
        return np.nan
    inside, around = places(filled, filled.inside), places(filled, filled.around)
    return float(np.minimum(inside / inside.sum(), around / around.sum()).sum())


def off_beat(filled: Filled) -> float:
    """The share of onsets beside the eighths."""
    return float((filled.inside[:, 0] % (TICKS_PER_QUARTER // 2) != 0).mean())


def denser(filled: Filled) -> float:
    """The logarithm of how many times denser the fill is than the music around."""
    beats = float(filled.hole.excerpt.lines[-1]) / TICKS_PER_QUARTER - filled.beats
    if not len(filled.around) or beats <= 0:
        return np.nan
    return float(np.log(notes_a_beat(filled) / (len(filled.around) / beats)))


def together(filled: Filled) -> float:
    """How many notes begin at once, on average."""
    return len(filled.inside) / len(np.unique(filled.inside[:, 0]))


def longer(filled: Filled) -> float:
    """The logarithm of how many times longer notes are than around; without any around, than a quarter."""
    given = filled.around[:, 2] if len(filled.around) else np.array([TICKS_PER_QUARTER])
    return float(np.log(filled.inside[:, 2]).mean() - np.log(given).mean())


def comes_to_rest(filled: Filled) -> float:
    """1 where nothing begins in the last quarter of the fill, else 0."""
    return float(not (filled.inside[:, 0] >= filled.hole.end - TICKS_PER_QUARTER).any())
