"""How the notes around a hole are played: when they come, how many together, how long and how loud.

A network that says what is likely in each cell says little about rhythm, length and touch. The music around says much:
what is written comes after rests like those there, in chords of as many notes, and each note is as long and as loud as
one of them that lies near in pitch. No network here and nothing is written; see writing.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import LOW_PITCH, N_PITCHES

REACH = 8.0  # s of music before and after a hole that tell how it is played
FEWEST = 5  # notes that are enough to learn from
FEWEST_RESTS = 2
TOGETHER = 0.04  # s; onsets this close are one chord
LONGEST_REST = 4.0  # s from a chord to the next; a longer one counts as this
LOOSE = 0.1  # share of chords that come at any moment
SUREST = 0.95  # chance of a chord in one frame, at most
ALIKE = 4.0  # semitones over which notes are played alike
MAX_CHORD = 6  # notes

#: What is done where nothing is known, in sixteenths of the notes of the training pieces, each collection for the same:
#: the beat of a piece lies between these (s) and all else is in beats.
BEAT = (0.15, 0.4)
RESTS = (0.5, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1.5, 1.5, 2, 3)
LENGTHS = (0.30, 1.24, 0.65, 5.6, 0.45, 1.5, 0.93, 2.4, 0.55, 1.38, 0.83, 1.9, 0.72, 3.3, 1.07, 1.65)
VELOCITIES = (39, 47, 52, 56, 59, 63, 66, 69, 72, 75, 78, 81, 85, 89, 94, 106)
SIZES = (1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5)

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StyleStatistics:
    """What is done around a hole.

    models: rows of notes that written ones are as long and as loud as. sizes: of chords, in notes. hazard: the chance
    that a chord comes n frames after the last if none has come before; the last value holds for longer rests too.
    """

    models: NoteArray
    sizes: npt.NDArray[np.int64]
    hazard: Numbers

    def nearness(self) -> Numbers:
        """How likely a written note takes after each model: (88, n_models), rows running sums up to 1."""
        distance = np.abs(np.arange(N_PITCHES)[:, None] + LOW_PITCH - self.models[:, 2])
        weight = np.exp(-distance / ALIKE) + 1e-6
        return np.asarray((weight / weight.sum(axis=1, keepdims=True)).cumsum(axis=1))


def style_of(rows: NoteArray, begin: float, end: float, frame_rate: float) -> StyleStatistics | None:
    """Learn from the notes that begin up to REACH before ``begin`` and after ``end`` (s); None from too few."""
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
    """What is done in music of which nothing is known, on a beat that the seed chooses."""
    beat = float(np.exp(np.random.default_rng([seed, 6]).uniform(*np.log(BEAT))))
    models = np.zeros((len(LENGTHS), 4))
    models[:, 1], models[:, 2], models[:, 3] = np.multiply(LENGTHS, beat), 60, VELOCITIES
    return StyleStatistics(models, np.array(SIZES), hazard_of(np.multiply(RESTS, beat * frame_rate)))


def hazard_of(rests: Numbers) -> Numbers:
    """The chance of a chord n frames after the last one, from rests in frames, each standing for its neighbours too.

    Of the survival analyst's hazard f(n) / sum of f(m >= n), f is the histogram of rests, and LOOSE of it exponential.
    """
    whole = np.rint(rests).astype(np.int64).clip(min=2)
    longest = int(whole.max()) + 2
    share = np.convolve(np.bincount(whole, minlength=longest), (0.25, 0.5, 0.25), mode="same") / len(whole)
    free = np.exp(-np.arange(len(share)) / rests.mean())
    share = (1 - LOOSE) * share + LOOSE * free / free.sum()
    return np.asarray((share / share[::-1].cumsum()[::-1]).clip(0.0, SUREST))


def _chords(onsets: Numbers) -> tuple[Numbers, npt.NDArray[np.int64]]:
    """When chords begin, and of how many notes they are."""
    onsets = np.sort(onsets)
    starts = np.flatnonzero(np.diff(onsets, prepend=-np.inf) > TOGETHER)
    return onsets[starts], np.diff(np.append(starts, len(onsets)))
