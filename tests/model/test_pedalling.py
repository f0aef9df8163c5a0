"""From the probability that the pedal is down to the spans in which it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffroll_live.model.pedalling import decode_pedal

RATE = 62.5
DOWN, UP, UNSURE = 0.9, 0.1, 0.5


def spans(*frames: float, down: bool = False) -> list[tuple[float, float]]:
    """Spans in frames."""
    found = decode_pedal(torch.tensor(frames), RATE, down=down) * RATE
    return [(float(a), float(b)) for a, b in found]


def test_the_pedal_is_down_from_one_sure_frame_to_another():
    assert spans(*[UP] * 5, *[DOWN] * 10, *[UP] * 5) == [(5.0, 15.0)]


def test_what_is_unsure_changes_nothing():
    assert spans(*[UNSURE] * 3, *[DOWN] * 6, *[UNSURE] * 20, *[DOWN] * 2, *[UNSURE] * 4, *[UP] * 9) == [(3.0, 35.0)]


@pytest.mark.parametrize(("frames", "expected"), [(3, []), (4, [(5.0, 9.0)])])
def test_a_tap_that_no_foot_can_do_is_left_out(frames, expected):
    assert spans(*[UP] * 5, *[DOWN] * frames, *[UP] * 9) == expected


def test_a_gap_that_no_foot_can_do_is_closed():
    assert spans(*[DOWN] * 8, *[UP] * 3, *[DOWN] * 8, *[UP] * 8) == [(0.0, 19.0)]
    assert spans(*[DOWN] * 8, *[UP] * 4, *[DOWN] * 8, *[UP] * 8) == [(0.0, 8.0), (12.0, 20.0)]


def test_a_pedal_that_is_still_down_has_no_end():
    assert spans(*[UP] * 4, *[DOWN] * 2) == [(4.0, np.inf)]


def test_a_pedal_that_was_down_before_stays_down_until_it_is_surely_up():
    assert spans(*[UNSURE] * 6, *[UP] * 6, down=True) == [(0.0, 6.0)]
    assert spans(*[UNSURE] * 12) == []


def test_no_frames_have_no_pedal():
    assert spans() == []
