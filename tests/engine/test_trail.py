"""The trajectory of a request: where windows and written notes are drawn, and how much of it is kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.asking import Listener

from diffroll_live.engine import trail as trails
from diffroll_live.engine.trail import Trail
from diffroll_live.engine.windows import Window
from diffroll_live.files.plot import emerging
from diffroll_live.music.roll import RollGeometry
from diffroll_live.types import NoteEvent

GEOMETRY = RollGeometry(1000, 100)  # 10 frames a second


def test_windows_are_drawn_where_they_are_kept():
    listener = Listener()
    trail = Trail(listener, GEOMETRY, 30)
    probabilities = torch.zeros(2, 3, 20, 88)
    probabilities[0, 1, 15, 7] = 0.5  # frame 15 of the first window
    probabilities[1, 0, 8, 9] = 1.0  # frame 18 of the second
    probabilities[:, 2] = 1.0  # velocities are not shown
    trail.estimated([Window(0, 5, 16), Window(10, 16, 30)], probabilities)
    assert listener.estimates == trail.estimates
    (roll,) = emerging(trail.estimates)
    assert roll.shape == (30, 88)
    assert roll[15, 7] == pytest.approx(0.5, abs=1 / 255)
    assert roll[18, 9] == 1.0
    assert np.count_nonzero(roll) == 2


def test_written_notes_join_what_is_there():
    trail = Trail(Listener(), GEOMETRY, 30)
    trail.wrote((NoteEvent(0.5, 1.0, 60, 80),))
    trail.wrote((NoteEvent(0.8, 1.2, 64, 80), NoteEvent(9.0, 9.5, 64, 80)))
    first, second = emerging(trail.estimates)
    assert np.flatnonzero(first[:, 39]).tolist() == [5, 6, 7, 8, 9]
    assert np.flatnonzero(second[:, 39]).tolist() == [5, 6, 7, 8, 9]
    assert np.flatnonzero(second[:, 43]).tolist() == [8, 9, 10, 11]


def test_what_is_kept_is_bounded_and_what_is_told_is_not(monkeypatch):
    monkeypatch.setattr(trails, "MOST_BYTES", 100 * 88)
    listener = Listener()
    trail = Trail(listener, GEOMETRY, 1000)
    for begin in range(0, 1000, 50):
        trail.estimated([Window(begin, begin, begin + 50)], torch.zeros(1, 1, 50, 88))
    assert (len(trail.estimates), len(listener.estimates)) == (2, 20)
