"""How loud a signal is: RMS and peak in dBFS, over intervals of equal length, wherever it comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diffroll_live.types import Floats

FLOOR = -120.0  # dBFS of silence, and of whatever is quieter
SILENT = -90.0  # dBFS, the peak of inaudible sound: the last of 16 bits


@dataclass(frozen=True, slots=True)
class Level:
    """A level in dBFS, FLOOR or more; a full-scale square wave has 0 in both."""

    rms: float
    peak: float

    @property
    def is_silent(self) -> bool:
        """Whether it is inaudible."""
        return self.peak < SILENT


class LevelMeter:
    """Measures a stream of samples at ``rate`` Hz, once every ``seconds`` of it."""

    def __init__(self, rate: int, seconds: float) -> None:
        self._wanted = max(1, round(rate * seconds))  # samples
        self._count, self._power, self._peak = 0, 0.0, 0.0

    def add(self, samples: Floats) -> Level | None:
        """Take (n,) samples; return the level when an interval is complete, which then ends with them."""
        if len(samples):
            self._count += len(samples)
            self._power += float(np.dot(samples, samples))
            self._peak = max(self._peak, float(np.abs(samples).max()))
        if self._count < self._wanted:
            return None
        level = Level(decibels(math.sqrt(self._power / self._count)), decibels(self._peak))
        self._count, self._power, self._peak = 0, 0.0, 0.0
        return level


def decibels(amplitude: float) -> float:
    """Express an amplitude in dBFS, FLOOR at least."""
    return max(FLOOR, 20.0 * math.log10(amplitude)) if amplitude > 0.0 else FLOOR
