"""What is hidden of a passage when the composer is trained, and what it is not told of the metre. No torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diffroll_live.composer.passage import Bools
from diffroll_live.composer.steps import StepGrid, step_grid
from diffroll_live.composer.vocabulary import N_KEYS, TICKS_PER_QUARTER, Ints

GAPS, CONTINUATIONS, BEGINNINGS, BANDS = 0.50, 0.18, 0.06, 0.14  # shares; the rest hides everything
FREE_SHARE, MOVED_SHARE = 0.05, 0.08  # of passages without bars, and with bars that begin elsewhere
TEMPO_UNKNOWN = 0.3  # share
TEMPO_SPREAD = 0.08  # of its logarithm


def random_hole(grid: StepGrid, notes: Ints, rng: np.random.Generator) -> Bools:
    """Draw the cells to hide, (n_steps, 88): gaps, a continuation, a beginning, a band of pitches, or everything.

    notes: rows as of a Passage.
    """
    hidden = np.zeros((grid.n_steps, N_KEYS), bool)
    kinds = np.cumsum([GAPS, CONTINUATIONS, BEGINNINGS, BANDS])
    kind = int(np.searchsorted(kinds, rng.random(), side="right"))
    first, n_bars = grid.first_steps(), grid.n_bars
    beats = np.flatnonzero(grid.within % TICKS_PER_QUARTER == 0)
    if kind == 0:
        for _ in range(1 + int(rng.random() < 0.4)):
            begin, end = _gap(grid, rng, 0.5, 4.5)
            hidden[begin:end] = True
    elif kind == 1:
        bar = int(first[rng.integers(max(n_bars // 4, 1), n_bars)])
        hidden[bar if rng.random() < 0.7 else int(rng.choice(beats[len(beats) // 4 :])) :] = True
    elif kind == 2:
        hidden[: int(first[rng.integers(1, max(n_bars // 2, 2))])] = True
    elif kind == 3:
        begin, end = _gap(grid, rng, 2, n_bars)
        middle = int(np.median(notes[:, 1])) + int(rng.integers(-8, 9))
        bands = ((middle, N_KEYS), (0, middle), (max(middle - 12, 0), middle + 12))
        low, high = bands[rng.integers(0, len(bands))]
        hidden[begin:end, low:high] = True
    else:
        hidden[:] = True
    return hidden


def _gap(grid: StepGrid, rng: np.random.Generator, least: float, most: float) -> tuple[int, int]:
    """Draw the first and the last step of a gap of ``least`` to ``most`` bars, mostly from a bar line on."""
    first = grid.first_steps()
    size = max(round(float(rng.uniform(least, most)) * grid.n_steps / grid.n_bars), 2)
    beats = np.flatnonzero(grid.within % TICKS_PER_QUARTER == 0)
    begin = int(rng.choice(beats)) if rng.random() < 0.4 else int(first[rng.integers(0, grid.n_bars)])
    return begin, min(begin + size, grid.n_steps)


def less_known(grid: StepGrid, rng: np.random.Generator) -> StepGrid:
    """Now and then say less of the metre than is known: no tempo, bars that begin elsewhere, no bars at all."""
    if rng.random() < TEMPO_UNKNOWN:
        grid = replace(grid, tempo=0.0)
    elif grid.tempo > 0:
        grid = replace(grid, tempo=grid.tempo * float(np.exp(rng.normal(0, TEMPO_SPREAD))))
    chance = rng.random()
    if chance < FREE_SHARE:
        return replace(grid, metred=False)
    return _moved(grid, rng) if chance < FREE_SHARE + MOVED_SHARE else grid


def _moved(grid: StepGrid, rng: np.random.Generator) -> StepGrid:
    """Begin the bars some beats later, as an estimate might: what comes before is a short bar."""
    size = int(grid.length[0])
    beats = size // TICKS_PER_QUARTER
    if beats < 2 or size % TICKS_PER_QUARTER or (grid.length != size).any():
        return grid
    total = size * grid.n_bars
    starts = np.arange(TICKS_PER_QUARTER * int(rng.integers(1, beats)), total, size)
    length = np.diff(np.concatenate([[0], starts, [total]]))
    beats_of, types = np.full(len(length), grid.beats[0]), np.full(len(length), grid.beat_type[0])
    return step_grid(length, beats_of, types, triplets=grid.triplets, tempo=grid.tempo)
