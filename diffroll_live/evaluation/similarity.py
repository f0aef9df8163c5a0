"""Statistics that compare written music with composed music.

They do not say whether music is good. Overlap is the overlapping area of two histograms (Yang and Lerch, On the
evaluation of generative models in music, 2018): 1 if they are equal, 0 if they share nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.evaluation.store import Row
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.types import Region

MAJOR = (0, 2, 4, 5, 7, 9, 11)
LONGEST_COUNT = 2.0  # s; longer notes weigh no more in a key profile
SAME = 0.05  # s; onsets this close are simultaneous
EDGE = 0.02  # s
Histogram = npt.NDArray[np.float64]

DURATIONS = np.geomspace(0.03, 8.0, 17)  # s
RESTS = np.concatenate([[-1.0, 0.03], np.geomspace(0.06, 4.0, 13), [np.inf]])  # s; the first is within a chord


@dataclass(frozen=True, slots=True)
class Filled:
    """Notes in a region, and the music around it; rows (onset s, offset s, pitch, velocity)."""

    region: Region
    inside: NoteArray
    around: NoteArray


def _durations(rows: NoteArray) -> Histogram:
    return np.histogram(np.clip(rows[:, 1] - rows[:, 0], 0.03, 8.0), DURATIONS)[0].astype(float)


def _rests(rows: NoteArray) -> Histogram:
    return np.histogram(np.diff(np.sort(rows[:, 0])), RESTS)[0].astype(float)


#: The histograms of the notes of a region.
HISTOGRAMS: dict[str, Callable[[NoteArray], Histogram]] = {
    "pitch": lambda rows: np.bincount(rows[:, 2].astype(int), minlength=128).astype(float),
    "pitch_class": lambda rows: np.bincount(rows[:, 2].astype(int) % 12, minlength=12).astype(float),
    "duration": _durations,
    "interval": _rests,
    "velocity": lambda rows: np.bincount(rows[:, 3].astype(int) // 8, minlength=16).astype(float),
}


def similarity(composed: Sequence[Filled], written: Sequence[Filled]) -> Row:
    """Compare what was written with what was composed in the same regions.

    Overlaps are computed over the notes of all regions together. in_scale and key: means over regions with notes; key
    is the overlap with the pitch classes around. polyphony_in_range: share of regions with notes whose polyphony lies
    in the middle 90 % of the composed ones. cut and doubled: per hundred notes.
    """
    seconds = sum(filled.region.duration for filled in written)
    notes = [filled for filled in written if len(filled.inside)]
    low, high = np.quantile([polyphony(filled) for filled in composed if len(filled.inside)], (0.05, 0.95))
    count = max(sum(len(filled.inside) for filled in notes), 1)
    return {
        "regions": len(written),
        "empty": 1 - len(notes) / len(written),
        "notes_a_second": sum(len(filled.inside) for filled in notes) / seconds,
        **{name: overlap(of, composed, written) for name, of in HISTOGRAMS.items()},
        "in_scale": _mean([in_scale(filled) for filled in notes]),
        "key": _mean([key_overlap(filled) for filled in notes]),
        "spread": _spread(written),
        "polyphony": _mean([polyphony(filled) for filled in notes]),
        "polyphony_in_range": _mean([float(low <= polyphony(filled) <= high) for filled in notes]),
        "cut": 100 * sum(map(cut, notes)) / count,
        "doubled": 100 * sum(map(doubled, notes)) / count,
    }


def overlap(of: Callable[[NoteArray], Histogram], first: Sequence[Filled], second: Sequence[Filled]) -> float:
    """The overlap of a histogram over all regions, 0 to 1."""

    def shares(members: Sequence[Filled]) -> Histogram:
        total = np.sum([of(filled.inside) for filled in members], axis=0)
        return total / max(total.sum(), 1)

    return float(np.minimum(shares(first), shares(second)).sum())


def key_overlap(filled: Filled) -> float:
    """The overlap of the pitch classes inside and around; without surroundings, of the two halves."""
    inside, around = _sides(filled)
    if not len(inside) or not len(around):
        return 0.0
    return float(np.minimum(_classes(inside), _classes(around)).sum())


def in_scale(filled: Filled) -> float:
    """The share of notes in the major scale that best fits the surrounding music."""
    inside, around = _sides(filled)
    if not len(inside) or not len(around):
        return 0.0
    sounding = _classes(around)
    tonic = int(np.argmax([sum(sounding[(root + step) % 12] for step in MAJOR) for root in range(12)]))
    scale = [(tonic + step) % 12 for step in MAJOR]
    return float(np.isin(inside[:, 2].astype(int) % 12, scale).mean())


def polyphony(filled: Filled) -> float:
    """The average number of simultaneous notes, while any sounds."""
    rows = filled.inside
    grid = np.arange(rows[:, 0].min(), rows[:, 1].max(), 0.02)
    sounding = ((rows[:, :1] <= grid) & (grid < rows[:, 1:2])).sum(axis=0)
    return float(sounding.sum() / max((sounding > 0).sum(), 1))


def cut(filled: Filled) -> int:
    """The number of notes that end exactly at the end of the region."""
    return int((filled.inside[:, 1] >= filled.region.offset - EDGE).sum())


def doubled(filled: Filled) -> int:
    """The number of notes that overlap, or directly follow, a note of the surroundings on the same key."""
    if not len(filled.around):
        return 0
    near = filled.around[:, None]
    same = near[:, :, 2] == filled.inside[None, :, 2]
    held = (near[:, :, 0] <= filled.inside[None, :, 0]) & (near[:, :, 1] > filled.inside[None, :, 0] + EDGE)
    struck = np.abs(near[:, :, 0] - filled.inside[None, :, 0]) < SAME
    return int((same & (held | struck)).any(axis=0).sum())


def _spread(members: Sequence[Filled]) -> float:
    """The entropy of the pitch classes in bits, averaged over regions with at least three notes."""
    found = []
    for filled in members:
        if len(filled.inside) >= 3:
            shares = HISTOGRAMS["pitch_class"](filled.inside) / len(filled.inside)
            found.append(float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum()))
    return _mean(found)


def _sides(filled: Filled) -> tuple[NoteArray, NoteArray]:
    if len(filled.around):
        return filled.inside, filled.around
    middle = (filled.region.onset + filled.region.offset) / 2
    later = filled.inside[:, 0] >= middle
    return filled.inside[later], filled.inside[~later]


def _classes(rows: NoteArray) -> Histogram:
    """The duration of each pitch class; (12,), sum 1."""
    weights = np.minimum(rows[:, 1] - rows[:, 0], LONGEST_COUNT)
    total = np.bincount(rows[:, 2].astype(int) % 12, weights=weights, minlength=12)
    return np.asarray(total / max(total.sum(), 1e-9))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
