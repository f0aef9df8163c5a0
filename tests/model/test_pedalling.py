"""From the probability that the pedal is down to the spans in which it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffroll_live.model.pedalling import decode_pedal

RATE = 62.5
DOWN, UP = 0.9, 0.1


def spans(*frames: float) -> list[tuple[float, float]]:
    """Spans in frames."""
    found = decode_pedal(torch.tensor(frames), RATE) * RATE
    return [(float(a), float(b)) for a, b in found]


def test_the_pedal_is_down_while_that_is_likely():
    assert spans(*[UP] * 5, *[DOWN] * 10, *[UP] * 5) == [(5.0, 15.0)]


def test_a_single_frame_changes_nothing():
    assert spans(*[DOWN] * 9, 0.4, *[DOWN] * 9, *[UP] * 5) == [(0.0, 19.0)]
    assert spans(*[UP] * 9, 0.4, *[UP] * 9) == []


def test_the_pedal_is_changed_where_its_probability_sinks_and_rises_again():
    dip = [0.8, 0.7, 0.6, 0.5, 0.5, 0.6, 0.7, 0.8]
    (first, second) = spans(*[DOWN] * 20, *dip, *[DOWN] * 20, *[UP] * 8)
    assert first[0] == 0
    assert 20 <= first[1] < 24 <= second[0] <= 28
    assert second[1] == 48
    shallow = [0.85, 0.8, 0.75, 0.75, 0.8, 0.85]
    assert spans(*[DOWN] * 20, *shallow, *[DOWN] * 20, *[UP] * 8) == [(0.0, 46.0)]


def test_what_sinks_and_does_not_rise_is_no_change():
    assert spans(*[DOWN] * 20, *np.linspace(DOWN, 0.4, 20), *[0.4] * 40) == [(0.0, np.inf)]


@pytest.mark.parametrize(("frames", "expected"), [(3, []), (4, [(5.0, 9.0)])])
def test_a_tap_that_no_foot_can_do_is_left_out(frames, expected):
    assert spans(*[UP] * 5, *[DOWN] * frames, *[UP] * 9) == expected


def test_a_pedal_that_is_still_down_has_no_end():
    assert spans(*[UP] * 4, *[DOWN] * 4) == [(4.0, np.inf)]


def test_no_frames_have_no_pedal():
    assert spans() == []
