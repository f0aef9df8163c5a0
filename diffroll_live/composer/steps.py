"""The steps of a passage: where notes may begin, and what place in the bar each has. No torch.

Steps are sixteenths; where the music has triplets, their places too. Music without a beat has steps of equal length
and no bars, which the features say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.composer.vocabulary import TICKS_PER_QUARTER, TICKS_PER_WHOLE, Ints

STRAIGHT = (0, 6, 12, 18)  # ticks in a quarter
TRIPLETS = (0, 6, 8, 12, 16, 18)
LAGS = (-4, -2, -1, 1, 2, 4)  # bars; the same place so many bars away is what a figure repeats
HARMONICS = (1, 2, 3, 4, 6, 8)  # of the place in the bar
N_STEP_FEATURES = 2 * len(HARMONICS) + 13
REFERENCE_TEMPO = 90.0  # quarters a minute

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StepGrid:
    """Steps in their bars. ``tempo`` is in quarters a minute, 0 where it is unknown.

    tick, bar, within: (n_steps,) ticks from the first bar on, number of the bar, ticks from that bar on.
    length, beats, beat_type: (n_bars,) ticks, and the signature. ``metred`` is false for music without bars.
    """

    tick: Ints
    bar: Ints
    within: Ints
    length: Ints
    beats: Ints
    beat_type: Ints
    triplets: bool
    tempo: float = 0.0
    metred: bool = True

    @property
    def n_steps(self) -> int:
        """How many steps there are."""
        return len(self.tick)

    @property
    def n_bars(self) -> int:
        """How many bars there are."""
        return len(self.length)

    def first_steps(self) -> Ints:
        """The first step of each bar, and the number of steps: (n_bars + 1,)."""
        return np.append(np.searchsorted(self.bar, np.arange(self.n_bars)), self.n_steps)

    def positions(self) -> Floats:
        """Places in bars, (n_steps,)."""
        return (self.bar + self.within / self.length[self.bar]).astype(np.float32)

    def features(self) -> Floats:
        """What the network is told of each step: (n_steps, N_STEP_FEATURES)."""
        length = self.length[self.bar]
        beat = TICKS_PER_WHOLE // self.beat_type[self.bar]
        angle = 2 * np.pi * np.outer(self.within / length, HARMONICS)
        beats = self.beats[self.bar]
        columns = [
            self.within == 0,
            self.within % beat == 0,
            self.within % 24 == 0,
            self.within % 12 == 0,
            self.within % 24 == 8,
            self.within % 24 == 16,
            length / TICKS_PER_WHOLE - 1,
            np.isin(beats, (3, 9)),
            np.isin(beats, (6, 12)),
        ]
        known = np.stack([np.sin(angle), np.cos(angle)], 1).reshape(self.n_steps, -1)
        table = np.concatenate([known, np.stack(columns, 1)], 1) * float(self.metred)
        whole = [
            float(self.triplets),
            float(self.metred),
            np.log(self.tempo / REFERENCE_TEMPO) if self.tempo > 0 else 0.0,
            float(self.tempo > 0),
        ]
        return np.concatenate([table, np.broadcast_to(whole, (self.n_steps, len(whole)))], 1).astype(np.float32)

    def lags(self) -> Ints:
        """The step at the same place of the bars that lie LAGS away, -1 where there is none: (len(LAGS), n_steps)."""
        grid = np.array(TRIPLETS if self.triplets else STRAIGHT)
        rank = self.within // TICKS_PER_QUARTER * len(grid) + np.searchsorted(grid, self.within % TICKS_PER_QUARTER)
        first = self.first_steps()
        found = np.full((len(LAGS), self.n_steps), -1)
        for row, lag in enumerate(LAGS):
            other = self.bar + lag
            inside = (other >= 0) & (other < self.n_bars)
            bar = np.clip(other, 0, self.n_bars - 1)
            inside &= self.within < self.length[bar]
            found[row] = np.where(inside, first[bar] + rank, -1)
        return found

    def nearest(self, ticks: Ints) -> Ints:
        """The step nearest to each tick; of two that are as near, the earlier."""
        after = np.clip(np.searchsorted(self.tick, ticks), 1, self.n_steps - 1)
        before = after - 1
        return np.where(np.abs(self.tick[before] - ticks) <= np.abs(self.tick[after] - ticks), before, after)


def step_grid(
    length: Ints, beats: Ints, beat_type: Ints, *, triplets: bool, tempo: float = 0.0, metred: bool = True
) -> StepGrid:
    """Lay steps through bars of ``length`` ticks, all (n_bars,)."""
    grid = np.array(TRIPLETS if triplets else STRAIGHT)
    starts = np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.int64)
    ticks, bars, places = [], [], []
    for number, (start, size) in enumerate(zip(starts.tolist(), length.tolist(), strict=True)):
        place = (np.arange(0, size, TICKS_PER_QUARTER)[:, None] + grid).ravel()
        place = place[place < size]
        ticks.append(place + start)
        bars.append(np.full(len(place), number))
        places.append(place)
    joined = (np.concatenate(part).astype(np.int64) for part in (ticks, bars, places))
    tick, bar, within = joined
    return StepGrid(tick, bar, within, length, beats, beat_type, triplets, tempo, metred)
