"""Tests of what is counted in holes."""

from __future__ import annotations

import numpy as np
import pytest

from diffroll_live.notes import NoteArray
from diffroll_live.training.filling import Hole, counts


def row(onset: float, pitch: int, seconds: float = 0.5) -> tuple[float, float, float, float]:
    return onset, onset + seconds, float(pitch), 64.0


C_MAJOR: NoteArray = np.array([row(1.0 + 0.5 * i, pitch) for i, pitch in enumerate((60, 62, 64, 65, 67, 69, 71))])
NOTHING: NoteArray = np.zeros((0, 4))


def test_the_same_notes_overlap_wholly_and_lie_in_their_scale() -> None:
    found = counts([Hole(C_MAJOR, C_MAJOR)])
    assert found.notes == 7
    assert found.empty == 0
    assert found.duration == pytest.approx(0.5)
    assert found.key_overlap == pytest.approx(1.0)
    assert found.in_scale == 1.0


def test_notes_of_another_key_do_not_overlap() -> None:
    black = np.array([row(9.0, pitch) for pitch in (61, 63, 66)])
    found = counts([Hole(black, C_MAJOR)])
    assert found.key_overlap == 0
    assert found.in_scale == 0


def test_empty_holes_are_counted_and_spoil_no_mean() -> None:
    found = counts([Hole(NOTHING, C_MAJOR), Hole(C_MAJOR, C_MAJOR)])
    assert found.notes == 3.5
    assert found.empty == 0.5
    assert found.key_overlap == pytest.approx(1.0)
