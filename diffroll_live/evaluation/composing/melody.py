"""Lines and what is taken up again: the top and the bass of a fill beside what was heard before and after it."""

from __future__ import annotations

import numpy as np

from diffroll_live.composer.vocabulary import Ints
from diffroll_live.evaluation.composing.filled import Filled

TRIGRAM = 3  # steps from note to note of a line

Gram = tuple[int, ...]


def line(rows: Ints, *, top: bool) -> Ints:
    """The highest or the lowest note of each chord: (n_chords, 2) of tick and pitch."""
    order = np.lexsort((-rows[:, 1] if top else rows[:, 1], rows[:, 0]))
    rows = rows[order]
    first = np.flatnonzero(np.diff(rows[:, 0], prepend=-1))
    return rows[first, :2]


def grams(tones: Ints, n: int = TRIGRAM) -> list[Gram]:
    """Every ``n`` successive steps of a line: ticks and semitones to the next note, of each."""
    moves = np.diff(tones, axis=0)
    return [tuple(moves[at : at + n].ravel().tolist()) for at in range(len(moves) - n + 1)]


def heard_before(filled: Filled, *, top: bool) -> float:
    """The share of a line's trigrams that the music around has too; without any around, that came before."""
    given = [grams(line(rows, top=top)) for rows in (filled.before, filled.after)]
    known, alone = {gram for part in given for gram in part}, not len(filled.around)
    written = grams(line(filled.inside, top=top))
    hits = 0
    for gram in written:
        hits += gram in known
        if alone:
            known.add(gram)
    return hits / len(written) if written else np.nan


def leap(filled: Filled, *, top: bool) -> float:
    """The mean interval from note to note of a line, in semitones."""
    intervals = np.abs(np.diff(line(filled.inside, top=top)[:, 1]))
    return float(intervals.mean()) if len(intervals) else np.nan


def entry(filled: Filled, *, top: bool) -> float:
    """The mean interval of a line at the borders of the hole, in semitones."""
    written = line(filled.inside, top=top)
    if not len(written):
        return np.nan
    edges = [(line(filled.before, top=top)[-1:], written[0]), (line(filled.after, top=top)[:1], written[-1])]
    steps = [abs(int(near[0, 1] - inner[1])) for near, inner in edges if len(near)]
    return float(np.mean(steps)) if steps else np.nan


def height(filled: Filled) -> float:
    """How far the top line lies above the one around, in octaves."""
    written, given = line(filled.inside, top=True), line(filled.around, top=True)
    if not len(written) or not len(given):
        return np.nan
    return float(written[:, 1].mean() - given[:, 1].mean()) / 12
