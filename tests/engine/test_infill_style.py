"""The style of what is written: as many notes as around, as large, as long, as loud, where the network expects them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from support.opinion import FRAMES, GEOMETRY, Opinion, hole, notes_of, scene, write
from torch import Tensor

from diffroll_live.engine.infill.blocks import (
    HELD,
    SOON,
)
from diffroll_live.engine.infill.context import as_played
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import N_PITCHES


def played(pitches: Sequence[int], rest: float, length: float = 0.1, velocity: int = 80) -> NoteArray:
    """Notes before and after a hole from 3.2 to 6.4 s, one every ``rest`` seconds, the pitches in turn."""
    onsets = [at for at in np.arange(0.0, 9.5, rest) if not 3.2 <= at < 6.4]
    rows = [(at, at + length, pitches[i % len(pitches)], velocity) for i, at in enumerate(onsets)]
    return np.array(rows)


@pytest.mark.slow
def test_as_many_notes_are_written_as_are_played_around() -> None:
    for rest in (0.2, 0.4, 0.8):
        place = scene(hole(200, 400), played((48, 55, 60, 64), rest))
        writer = write(Opinion(0.004), place, n=8)
        assert sum(len(notes_of(writer, variation)) for variation in range(8)) / 8 == pytest.approx(
            3.2 / rest, rel=0.25
        )


def test_rests_lengths_and_velocities_are_those_of_notes_around() -> None:
    given = np.concatenate([played((40, 43), 0.25, 0.12, 100), played((76, 79), 0.25, 0.04, 40)])
    writer = write(Opinion(0.004), scene(hole(200, 400), given), n=8)
    rows = np.concatenate([notes_of(writer, variation) for variation in range(8)])
    low, high = rows[rows[:, 2] < 50], rows[rows[:, 2] > 70]
    assert np.median(low[:, 3]) == 100
    assert np.median(high[:, 3]) == 40
    assert np.median(low[:, 1] - low[:, 0]) > 2 * np.median(high[:, 1] - high[:, 0])
    onsets = np.unique(notes_of(writer)[:, 0].round(3))
    assert np.mean(np.abs(np.diff(onsets) - 0.25) < 0.04) > 0.6


def test_chords_are_as_large_as_those_around() -> None:
    chord = np.concatenate([played((pitch,), 0.4) for pitch in (48, 55, 64)])
    writer = write(Opinion(0.004), scene(hole(200, 400), chord), n=4)
    rows = np.concatenate(
        [notes_of(writer, variation) + np.array([20.0 * variation, 0, 0, 0]) for variation in range(4)]
    )
    sizes = np.unique(rows[:, 0].round(3), return_counts=True)[1]
    assert np.mean(sizes == 3) > 0.8


def test_notes_come_where_the_network_expects_them() -> None:
    class Late(Opinion):
        def probabilities(self, x0: Tensor) -> Tensor:
            x0 = x0.clone()
            x0[:, 0, 1::2] *= 0.01  # in every other frame hardly anything begins
            x0[:, 0, 0::4] *= 0.01
            x0[:, 0, 3::4] *= 0.01
            return x0

    rows = notes_of(write(Late(0.004), scene(hole(0, FRAMES))))
    counts = np.bincount(np.rint(rows[:, 0] * GEOMETRY.frame_rate).astype(int) % 4, minlength=4)
    assert counts[1] + counts[2] > 2 * (counts[0] + counts[3])


def test_keys_that_sound_or_begin_at_a_border_are_not_struck_there() -> None:
    given = played((48,), 0.25)
    given = np.append(given, [[2.9, 3.2, 60, 80], [6.4, 6.6, 72, 80]], axis=0)
    onset = torch.zeros(N_PITCHES)
    onset[[60 - 21, 72 - 21]] = 0.1
    writer = write(Opinion(onset), scene(hole(200, 400), given), n=8)
    rows = np.concatenate([notes_of(writer, variation) for variation in range(8)])
    assert len(rows) > 20
    assert rows[rows[:, 2] == 60, 0].min() >= 3.2 + HELD / GEOMETRY.frame_rate - 1e-6
    assert rows[rows[:, 2] == 72, 0].max() < 6.4 - SOON / GEOMETRY.frame_rate


@pytest.mark.slow
@pytest.mark.parametrize("given", [None, played((48, 55, 60, 64), 0.3)])
def test_density_scales_the_number_of_notes(given: NoteArray | None) -> None:
    counts = []
    for density in (0.0, 0.5, 1.0, 2.0):
        writer = write(Opinion(0.004), scene(hole(200, 400), given), n=6, density=density)
        counts.append(sum(len(notes_of(writer, variation)) for variation in range(6)))
    assert counts[0] == 0
    np.testing.assert_allclose(np.array(counts[1:]) / counts[2], (0.5, 1.0, 2.0), rtol=0.25)


@pytest.mark.slow
def test_temperature_spreads_the_choice_of_pitch_and_not_the_number_of_notes() -> None:
    onset = torch.full((N_PITCHES,), 3e-5)
    onset[[30, 42, 54]] = torch.tensor([0.06, 0.03, 0.015])
    place = scene(hole(200, 400), played(range(48, 60), 0.1))
    spread, counts = [], []
    for temperature in (0.0, 1.0, 2.0, 5.0):
        writer = write(Opinion(onset), place, n=6, temperature=temperature)
        pitches = np.concatenate([notes_of(writer, variation)[:, 2] for variation in range(6)])
        shares = np.unique(pitches, return_counts=True)[1] / len(pitches)
        spread.append(float(-(shares * np.log(shares)).sum()))
        counts.append(len(pitches))
    assert spread == sorted(spread)
    assert spread[0] + 0.1 < spread[2] < spread[3] - 1.0
    assert min(counts) > 0.7 * max(counts)


def test_velocities_that_are_heard_are_spread_as_played_ones_are() -> None:
    heard = np.array([[0.0, 1.0, 60, velocity] for velocity in (20, 60, 67, 80, 120)])
    spread = as_played(heard.copy())[:, 3]
    assert (np.diff(spread) > 0).all()
    assert spread[1] < 60 < 80 < spread[3]
    assert spread.min() >= 1
    assert spread.max() <= 127
