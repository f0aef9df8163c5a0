"""Keys, chords and dissonance of a fill."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from diffroll_live.composer.vocabulary import Ints
from diffroll_live.evaluation.composing.filled import Filled

#: How well each degree fits a major and a minor key (Krumhansl and Kessler, 1982), and the scales of both.
PROFILES = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10, 11))
LONGEST_COUNT = 48  # ticks; longer notes weigh no more
HARSH = {1, 2, 6, 10, 11}  # semitones, octaves left out

Shares = npt.NDArray[np.float64]


def classes(rows: Ints) -> Shares:
    """How long each pitch class sounds, (12,), sum 1."""
    total = np.bincount(rows[:, 1] % 12, np.minimum(rows[:, 2], LONGEST_COUNT), 12)
    return np.asarray(total / max(total.sum(), 1e-9))


def key_of(rows: Ints) -> tuple[int, int]:
    """The tonic, 0 to 11, and the mode, 0 for major and 1 for minor, whose profile fits best."""
    sounding = classes(rows)
    if not sounding.any():
        return 0, 0
    fits = {
        (tonic, mode): float(np.corrcoef(sounding, np.roll(profile, tonic))[0, 1])
        for mode, profile in enumerate(PROFILES)
        for tonic in range(12)
    }
    return max(fits, key=lambda key: fits[key])


def in_scale(filled: Filled) -> float:
    """The share of notes in the scale of the music around, or of the fill itself where there is none."""
    tonic, mode = key_of(filled.around if len(filled.around) else filled.inside)
    scale = [(tonic + degree) % 12 for degree in SCALES[mode]]
    return float(np.isin(filled.inside[:, 1] % 12, scale).mean())


def likeness(filled: Filled) -> float:
    """The overlap of the pitch classes inside and around, 0 to 1."""
    if not len(filled.around):
        return np.nan
    return float(np.minimum(classes(filled.inside), classes(filled.around)).sum())


def chords(rows: Ints) -> list[frozenset[int]]:
    """The pitches that begin together, for each onset."""
    groups = np.split(rows[:, 1], np.flatnonzero(np.diff(rows[:, 0])) + 1)
    return [frozenset(group.tolist()) for group in groups if len(group)]


def dissonance(filled: Filled) -> float:
    """The share of dissonant pairs among the notes that begin together."""
    pairs = [
        (high - low) % 12 in HARSH for chord in chords(filled.inside) for low, high in combinations(sorted(chord), 2)
    ]
    return float(np.mean(pairs)) if pairs else np.nan


def chords_heard(filled: Filled) -> float:
    """The share of chords, single notes included, that the music around has too."""
    if not len(filled.around):
        return np.nan
    known = set(chords(filled.around))
    return float(np.mean([chord in known for chord in chords(filled.inside)]))


def key_held(filled: Filled) -> float:
    """1 where both halves of the fill are in the same key or its relative, else 0."""
    middle = (filled.hole.begin + filled.hole.end) / 2
    later = filled.inside[:, 0] >= middle
    if not later.any() or later.all():
        return 0.0
    major = [(tonic + 3 * mode) % 12 for tonic, mode in (key_of(filled.inside[~later]), key_of(filled.inside[later]))]
    return float(major[0] == major[1])


def ends_at_home(filled: Filled) -> float:
    """1 where the last chord stands on the tonic, else 0."""
    last = filled.inside[filled.inside[:, 0] == filled.inside[-1, 0]]
    return float(last[:, 1].min() % 12 == key_of(filled.inside)[0])
