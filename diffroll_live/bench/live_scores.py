"""Matches sent notes with played ones and measures their delay. Arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]
"""(n, 2) rows: a time in seconds, and a pitch."""

Seconds = npt.NDArray[np.float64]

GRID = 0.02  # s, step of the search for a shift


@dataclass(frozen=True, slots=True)
class Matched:
    """The numbers of played and sent notes, and the delays of matched ones in seconds."""

    played: int
    sent: int
    lags: tuple[float, ...]

    @property
    def f1(self) -> float:
        """The F1 score; 1 if nothing was played or sent."""
        return 2 * len(self.lags) / (self.played + self.sent) if self.played + self.sent else 1.0

    def percentile(self, share: float) -> float:
        """A percentile of the delays in seconds; 0 if nothing matches."""
        return float(np.percentile(self.lags, share)) if self.lags else 0.0


def match(played: Times, sent: Times, least: float, most: float, held: Seconds | None = None) -> Matched:
    """Match notes of the same pitch sent ``least`` to ``most`` seconds after they were played.

    held: (n_sent,) seconds that each sent note may come later than that. Greedy in order of time, which matches as many
    as possible.
    """
    late = np.zeros(len(sent)) if held is None else held
    lags = []
    for pitch in np.unique(played[:, 1]):
        rows = sent[:, 1] == pitch
        waiting = sorted(zip((sent[rows, 0] - late[rows]).tolist(), sent[rows, 0].tolist(), strict=True))
        for onset in np.sort(played[played[:, 1] == pitch, 0]):
            while waiting and waiting[0][0] < onset + least:
                waiting.pop(0)
            if waiting and waiting[0][0] <= onset + most:
                lags.append(float(waiting.pop(0)[1] - onset))
    return Matched(len(played), len(sent), tuple(lags))


def match_shifted(played: Times, reported: Times, tolerance: float) -> Matched:
    """Match notes within a tolerance after the best shift, since those reported have another time origin."""
    apart = [p - t for p, pitch in played for t, other in reported if pitch == other]
    if not apart:
        return Matched(len(played), len(reported), ())
    shifts, counts = np.unique(np.round(np.array(apart) / GRID), return_counts=True)
    near = shifts[counts.argmax()] * GRID
    shifted = (reported + np.array([near + by, 0.0]) for by in np.arange(-2, 2.5, 0.5) * GRID)
    return max((match(played, each, -tolerance, tolerance) for each in shifted), key=lambda found: len(found.lags))
