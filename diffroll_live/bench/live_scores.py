"""Which of the notes that were sent are notes that were played, and how long after. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]
"""(n, 2) rows: a time in seconds, and a pitch."""

GRID = 0.02  # s, on which a shift is sought


@dataclass(frozen=True, slots=True)
class Matched:
    """How many notes were played and sent, and by how many seconds those that fit were late."""

    played: int
    sent: int
    lags: tuple[float, ...]

    @property
    def f1(self) -> float:
        """The F1 score; 1 where nothing was played and nothing sent."""
        return 2 * len(self.lags) / (self.played + self.sent) if self.played + self.sent else 1.0

    def percentile(self, share: float) -> float:
        """A percentile of the lags in seconds; 0 where nothing fits."""
        return float(np.percentile(self.lags, share)) if self.lags else 0.0


def match(played: Times, sent: Times, least: float, most: float) -> Matched:
    """Pair notes of one pitch that were sent ``least`` to ``most`` seconds after they were played.

    Both in their order and the earliest first, which pairs as many as can be.
    """
    lags = []
    for pitch in np.unique(played[:, 1]):
        waiting = list(np.sort(sent[sent[:, 1] == pitch, 0]))
        for onset in np.sort(played[played[:, 1] == pitch, 0]):
            while waiting and waiting[0] < onset + least:
                waiting.pop(0)
            if waiting and waiting[0] <= onset + most:
                lags.append(float(waiting.pop(0) - onset))
    return Matched(len(played), len(sent), tuple(lags))


def match_shifted(played: Times, told: Times, tolerance: float) -> Matched:
    """Pair notes within a tolerance of each other; those told have another zero, so the shift that suits them best."""
    apart = [p - t for p, pitch in played for t, other in told if pitch == other]
    if not apart:
        return Matched(len(played), len(told), ())
    shifts, counts = np.unique(np.round(np.array(apart) / GRID), return_counts=True)
    near = shifts[counts.argmax()] * GRID
    shifted = (told + np.array([near + by, 0.0]) for by in np.arange(-2, 2.5, 0.5) * GRID)
    return max((match(played, each, -tolerance, tolerance) for each in shifted), key=lambda found: len(found.lags))
