"""A passage: notes on steps, some of them hidden, which are to be written. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.composer.steps import StepGrid
from diffroll_live.composer.vocabulary import N_KEYS, TICKS_PER_QUARTER, Ints

Bools = npt.NDArray[np.bool_]

ENDLESS = 1 << 30  # ticks


@dataclass(frozen=True, slots=True)
class Passage:
    """Notes in bars and the cells that are to be written.

    notes: (n_notes, 4) rows (step, key 0..87, ticks, velocity 0..127, 0 where there is none), sorted by step and key.
    hidden: (n_steps, 88). begin, end: bars from the first and to the last bar of the piece, None where unknown.
    density: notes a beat asked for in what is hidden, None as around. asked: (n_steps,) which of the hidden steps are
    to be written, None all; the others stay hidden.
    """

    grid: StepGrid
    notes: Ints
    hidden: Bools
    density: float | None = None
    begin: int | None = None
    end: int | None = None
    asked: Bools | None = None

    def asked_steps(self) -> Bools:
        """Which steps may be written, (n_steps,)."""
        return np.ones(self.grid.n_steps, bool) if self.asked is None else self.asked

    def is_hidden(self) -> Bools:
        """Which notes lie in hidden cells, (n_notes,)."""
        return self.hidden[self.notes[:, 0], self.notes[:, 1]]

    def hidden_density(self) -> float:
        """How many notes a beat lie in hidden cells; a hole counts as a quarter of a beat at least."""
        share = self.hidden.any(1).sum() / self.grid.n_steps
        beats = float(share * self.grid.length.sum() / TICKS_PER_QUARTER)
        return float(self.is_hidden().sum()) / max(beats, 0.25)


def onsets(notes: Ints, n_steps: int) -> Bools:
    """Where notes begin: (n_steps, 88)."""
    roll = np.zeros((n_steps, N_KEYS), bool)
    roll[notes[:, 0], notes[:, 1]] = True
    return roll


def sustained(notes: Ints, grid: StepGrid) -> Bools:
    """Where notes sound that began at an earlier step: (n_steps, 88)."""
    ends = np.searchsorted(grid.tick, grid.tick[notes[:, 0]] + notes[:, 2])
    change = np.zeros((grid.n_steps + 2, N_KEYS), np.int64)
    np.add.at(change, (np.minimum(notes[:, 0] + 1, ends), notes[:, 1]), 1)
    np.add.at(change, (ends, notes[:, 1]), -1)
    return change.cumsum(0)[: grid.n_steps] > 0


def holes(steps: Ints) -> list[Ints]:
    """The runs of consecutive ones among ascending steps, as many as there are holes."""
    return np.split(steps, np.flatnonzero(np.diff(steps) != 1) + 1) if len(steps) else []


def rooms(onset: Bools, grid: StepGrid) -> Ints:
    """Ticks from each step to the next ``onset`` of each key, ENDLESS where there is none: (n_steps, 88)."""
    tick = grid.tick[:, None]
    begins = np.where(onset, tick, ENDLESS)
    following = np.minimum.accumulate(begins[::-1])[::-1]
    after = np.concatenate([following[1:], np.full((1, N_KEYS), ENDLESS)])
    return np.where(after < ENDLESS, after - tick, ENDLESS)
