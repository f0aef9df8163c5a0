"""The style of the notes around a gap: onset intervals, chord sizes, durations and velocities.

Marginal probabilities of cells say little about rhythm, length and touch; the surrounding music says much. Chord onsets
follow the inter-onset intervals of the context, chords have as many notes, and each note is as long and as loud as one
of the context near it in pitch. No network here, and nothing is written; see writer.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import LOW_PITCH, N_PITCHES

REACH = 8.0  # s of music before and after a gap that determine its style
FEWEST = 5  # notes needed for statistics
FEWEST_RESTS = 2
TOGETHER = 0.04  # s; onsets this close are one chord
LONGEST_REST = 4.0  # s between chords; longer ones count as this
LOOSE = 0.1  # share of chords that come at random times
SUREST = 0.95  # maximum probability of a chord in one frame
ALIKE = 4.0  # semitones within which notes have similar touch
MAX_CHORD = 6  # notes

#: The style without context, from the training pieces with equal weight for each collection: the beat lies between
#: these (s), and everything else is in beats.
BEAT = (0.15, 0.4)
RESTS = (0.5, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1.5, 1.5, 2, 3)
LENGTHS = (0.30, 1.24, 0.65, 5.6, 0.45, 1.5, 0.93, 2.4, 0.55, 1.38, 0.83, 1.9, 0.72, 3.3, 1.07, 1.65)
VELOCITIES = (39, 47, 52, 56, 59, 63, 66, 69, 72, 75, 78, 81, 85, 89, 94, 106)
SIZES = (1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5)

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StyleStatistics:
    """The style around a gap.

    models: rows of notes whose length and loudness written ones copy. sizes: of chords, in notes. hazard: the
    probability of a chord n frames after the last one if none has come since; the last value applies to longer rests.
    """

    models: NoteArray
    sizes: npt.NDArray[np.int64]
    hazard: Numbers

    def nearness(self) -> Numbers:
        """The cumulative probability that a written note copies each model: (88, n_models), rows ending at 1."""
        distance = np.abs(np.arange(N_PITCHES)[:, None] + LOW_PITCH - self.models[:, 2])
        weight = np.exp(-distance / ALIKE) + 1e-6
        return np.asarray((weight / weight.sum(axis=1, keepdims=True)).cumsum(axis=1))


def style_of(rows: NoteArray, begin: float, end: float, frame_rate: float) -> StyleStatistics | None:
    """Compute the style of the notes within REACH before ``begin`` and after ``end`` (s); None if there are too few."""
    sides = [
        rows[(rows[:, 0] >= begin - REACH) & (rows[:, 0] < begin)],
        rows[(rows[:, 0] >= end) & (rows[:, 0] < end + REACH)],
    ]
    models = np.concatenate(sides)
    chords = [_chords(side[:, 0]) for side in sides]
    rests = np.concatenate([np.diff(times) for times, _ in chords]).clip(max=LONGEST_REST)
    if len(models) < FEWEST or len(rests) < FEWEST_RESTS:
        return None
    sizes = np.concatenate([counts for _, counts in chords])
    return StyleStatistics(models, sizes.clip(max=MAX_CHORD), hazard_of(rests * frame_rate))


def common_style(seed: int, frame_rate: float) -> StyleStatistics:
    """The style without context, on a beat chosen by the seed."""
    beat = float(np.exp(np.random.default_rng([seed, 6]).uniform(*np.log(BEAT))))
    models = np.zeros((len(LENGTHS), 4))
    models[:, 1], models[:, 2], models[:, 3] = np.multiply(LENGTHS, beat), 60, VELOCITIES
    return StyleStatistics(models, np.array(SIZES), hazard_of(np.multiply(RESTS, beat * frame_rate)))


def hazard_of(rests: Numbers) -> Numbers:
    """The probability of a chord n frames after the last one, from smoothed rests in frames.

    This is the hazard function f(n) / sum of f(m >= n), where f is the histogram of rests with a share LOOSE
    exponential.
    """
    whole = np.rint(rests).astype(np.int64).clip(min=2)
    longest = int(whole.max()) + 2
    share = np.convolve(np.bincount(whole, minlength=longest), (0.25, 0.5, 0.25), mode="same") / len(whole)
    free = np.exp(-np.arange(len(share)) / rests.mean())
    share = (1 - LOOSE) * share + LOOSE * free / free.sum()
    return np.asarray((share / share[::-1].cumsum()[::-1]).clip(0.0, SUREST))


def _chords(onsets: Numbers) -> tuple[Numbers, npt.NDArray[np.int64]]:
    """The onsets of chords and their numbers of notes."""
    onsets = np.sort(onsets)
    starts = np.flatnonzero(np.diff(onsets, prepend=-np.inf) > TOGETHER)
    return onsets[starts], np.diff(np.append(starts, len(onsets)))
