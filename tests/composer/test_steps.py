"""Steps in bars: how many, where they lie, and which step is the same place in another bar."""

from __future__ import annotations

import numpy as np
import pytest
from support.passages import bars_of_four

from diffroll_live.composer.steps import LAGS, N_STEP_FEATURES, step_grid


@pytest.mark.parametrize(("triplets", "per_quarter"), [(False, 4), (True, 6)])
def test_every_quarter_has_its_steps(triplets, per_quarter):
    grid = bars_of_four(3, triplets=triplets)
    assert grid.n_steps == 3 * 4 * per_quarter
    assert grid.first_steps().tolist() == [0, 4 * per_quarter, 8 * per_quarter, 12 * per_quarter]
    assert grid.features().shape == (grid.n_steps, N_STEP_FEATURES)
    assert (np.diff(grid.tick) > 0).all()


def test_a_lag_leads_to_the_same_place_of_another_bar_if_that_bar_is_long_enough():
    grid = step_grid(np.array([96, 72, 96]), np.array([4, 3, 4]), np.array([4, 4, 4]), triplets=False)
    lags = grid.lags()
    for row, lag in enumerate(LAGS):
        for step, other in enumerate(lags[row]):
            bar = grid.bar[step] + lag
            if other >= 0:
                assert (grid.bar[other], grid.within[other]) == (bar, grid.within[step])
            else:
                assert not 0 <= bar < 3 or grid.within[step] >= grid.length[bar]


def test_ticks_go_to_the_nearest_step():
    grid = bars_of_four(1)
    assert grid.nearest(np.array([-5, 0, 2, 3, 4, 95, 500])).tolist() == [0, 0, 0, 0, 1, 15, 15]


def test_music_without_bars_says_nothing_of_them():
    grid = step_grid(np.array([96]), np.array([4]), np.array([4]), triplets=False, metred=False)
    metred, tempo_known = -3, -1
    assert (grid.features()[:, :metred] == 0).all() or grid.triplets
    assert (grid.features()[:, tempo_known] == 0).all()
