"""Passages that tests use."""

from __future__ import annotations

import numpy as np

from diffroll_live.composer.passage import Bools, Passage
from diffroll_live.composer.steps import StepGrid, step_grid
from diffroll_live.composer.vocabulary import N_KEYS, Ints


def bars_of_four(n: int, *, triplets: bool = False) -> StepGrid:
    """``n`` bars of 4/4."""
    return step_grid(np.full(n, 96), np.full(n, 4), np.full(n, 4), triplets=triplets, tempo=100.0)


def music(grid: StepGrid, seed: int = 0, share: float = 0.02) -> Ints:
    """Random notes, one in so many cells between C3 and C6, with velocities."""
    rng = np.random.default_rng(seed)
    roll = rng.random((grid.n_steps, N_KEYS)) < share
    roll[:, :27], roll[:, 64:] = False, False
    step, key = np.nonzero(roll)
    ticks, velocity = rng.choice([6, 12, 24, 48], len(step)), rng.integers(1, 128, len(step))
    return np.stack([step, key, ticks, velocity], 1)


def gap(grid: StepGrid, first: int, last: int, low: int = 0, high: int = N_KEYS) -> Bools:
    """Cells of bars [first, last) and keys [low, high)."""
    hidden = np.zeros((grid.n_steps, N_KEYS), bool)
    hidden[(grid.bar >= first) & (grid.bar < last), low:high] = True
    return hidden


def passage(n_bars: int = 4, first: int = 1, last: int = 3, low: int = 0, high: int = N_KEYS, seed: int = 0) -> Passage:
    """Random music with a hole."""
    grid = bars_of_four(n_bars)
    return Passage(grid, music(grid, seed), gap(grid, first, last, low, high))
