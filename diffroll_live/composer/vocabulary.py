"""The words of written music: durations and velocities in classes, and the units of musical time. No torch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

TICKS_PER_QUARTER = 24
TICKS_PER_WHOLE = 4 * TICKS_PER_QUARTER
N_KEYS = 88
NO_KEY = N_KEYS  # the answer "no further key in this step"

#: Lengths that a note may have, in ticks: a thirty-second triplet to six quarters, evenly spread in their logarithm.
DURATIONS = np.array([2, 4, 6, 8, 12, 16, 18, 24, 30, 36, 48, 60, 72, 96, 144])
N_DURATIONS = len(DURATIONS)
N_VELOCITIES = 8  # classes of 16
NO_VELOCITY = N_VELOCITIES  # of a score that has no dynamics

Ints = npt.NDArray[np.int64]


def duration_class(ticks: Ints) -> Ints:
    """The nearest class of each length, in the logarithm; same shape."""
    distance = np.abs(np.log(np.maximum(ticks, 1))[..., None] - np.log(DURATIONS))
    return distance.argmin(-1)


def velocity_class(velocity: Ints) -> Ints:
    """0 to 127 to classes of 16; 0, which says that there is none, to NO_VELOCITY."""
    return np.where(velocity > 0, np.clip(velocity // 16, 0, N_VELOCITIES - 1), NO_VELOCITY)
