"""The weights that choose among readings of a beat are found, and passages are played in time."""

from __future__ import annotations

import numpy as np
import pytest

from diffroll_live.evaluation.beat_readings import HOLE, N_BARS, Example, _mean, _perform, fit
from diffroll_live.training.composing.scores import Score


def test_what_tells_readings_apart_is_found() -> None:
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(40):
        close = rng.random(5)
        examples.append(Example(np.stack([rng.random(5), close - 3.0, -close], 1), close))
    weights = fit(examples)
    assert weights[1] - weights[2] > 5 * abs(weights[0])
    assert _mean(examples, weights) > 0.8 > _mean(examples, -weights)


@pytest.mark.parametrize(("signature", "beats_a_bar"), [((3, 4), 3), ((6, 8), 2)])
def test_a_passage_is_played_beside_its_hole(signature: tuple[int, int], beats_a_bar: int) -> None:
    size = 96 * signature[0] // signature[1]
    bars = np.array([[size * bar, *signature] for bar in range(N_BARS + 2)])
    notes = np.array([[tick, 12, 60, 0] for tick in range(0, size * (N_BARS + 2), 12)])
    score = Score("s", "c", "train", 120.0, notes, bars)
    first, end = 1, size * (N_BARS + 1)
    song = _perform(score, first, end, notes[(notes[:, 0] >= size) & (notes[:, 0] < end)], np.random.default_rng(0))
    assert len(song.beats) == N_BARS * beats_a_bar
    assert np.diff(song.beats) == pytest.approx(size / beats_a_bar / 24 * 0.5, rel=0.2)
    hole = song.beats[[bar * beats_a_bar for bar in HOLE]]
    inside = (song.notes[:, 0] > hole[0] + 0.1) & (song.notes[:, 0] < hole[1] - 0.1)
    assert not inside.any()
    assert len(song.notes) == (N_BARS - 2) * size // 12
