"""Beats moved to the notes: stray onsets, a tempo that bends, and a rest whose sides do not agree."""

from __future__ import annotations

import numpy as np
import pytest

from diffroll_live.meter.tempo_map import Doubles
from diffroll_live.music.beat_fitting import fitted

BEAT = 0.6


def played(beats: Doubles, rest: tuple[int, int] = (0, 0)) -> Doubles:
    """Chords on beats, as a person plays them, an eighth in every second beat, and a stray note in every fourth.

    ``rest``: the beats between which there is none.
    """
    rng = np.random.default_rng(0)
    last = len(beats) - 1
    at = np.concatenate([np.repeat(np.arange(last), 3), np.arange(1.5, last, 2.0), np.arange(2.2, last, 4.0)])
    at = np.sort(at[(at < rest[0]) | (at >= rest[1])])
    onset = np.interp(at, np.arange(len(beats)), beats) + rng.normal(0.0, 0.004, len(at))
    onset = np.sort(onset)
    return np.stack([onset, onset + 0.2, 60.0 + np.arange(len(at)) % 5, np.full(len(at), 70.0)], axis=1)


def bending(n_beats: int) -> Doubles:
    lengths = BEAT * (1.0 + 0.06 * np.sin(np.arange(n_beats - 1) / 6.0))
    return np.concatenate([[0.0], np.cumsum(lengths)])


def test_beats_come_closer_than_the_notes_lie_to_them() -> None:
    beats = bending(40)
    tracked = beats + np.random.default_rng(1).normal(0.0, 0.03, len(beats))
    found = fitted(tracked, played(beats))
    assert len(found) == len(beats)
    assert np.abs(found - beats).mean() < 0.006
    assert np.abs(tracked - beats).mean() > 0.02


@pytest.mark.parametrize("wrong", [-1, 1])
def test_a_rest_gets_the_number_of_beats_that_both_sides_ask_for(wrong: int) -> None:
    beats = np.arange(48.0) * BEAT
    notes = played(beats, rest=(20, 28))
    tracked = np.concatenate([beats[:20], np.linspace(beats[20], beats[28], 8 + wrong, endpoint=False), beats[28:]])
    found = fitted(tracked, notes)
    assert len(found) == len(beats)
    assert np.abs(found - beats).max() < 0.06


@pytest.mark.parametrize("by", [0.25, 0.5, 0.75])
def test_a_later_side_that_was_begun_between_two_beats_is_put_right(by: float) -> None:
    beats = np.arange(48.0) * BEAT
    notes = played(beats, rest=(20, 28))
    later = beats[28:] + by * BEAT
    tracked = np.concatenate([beats[:20], np.linspace(beats[20], later[0], 8, endpoint=False), later[:-1]])
    found = fitted(tracked, notes)
    inside = (found > beats[19]) & (found < beats[29])
    assert np.abs(found[inside] / BEAT - np.rint(found[inside] / BEAT)).max() < 0.05


def test_what_cannot_be_fitted_stays_as_it_was() -> None:
    few = np.array([0.0, 0.6, 1.2])
    assert np.array_equal(fitted(few, played(np.arange(4.0) * BEAT)), few)
    alone = np.array([[0.0, 0.1, 60.0, 64.0]])
    found = fitted(np.arange(10.0) * BEAT, alone)
    assert np.all(np.diff(found) > 0.5)
