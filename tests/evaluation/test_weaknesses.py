"""Where notes are missed and invented, and what is told of the pedal, counted on made-up transcripts."""

from __future__ import annotations

import numpy as np
import pytest

from diffroll_live.evaluation import transcribing
from diffroll_live.evaluation.evaluation import Clip
from diffroll_live.evaluation.pedal import pedal_score
from diffroll_live.evaluation.weaknesses import marked, weaknesses
from diffroll_live.types import AudioBuffer

TRUTH = np.array(
    [
        (0.0, 1.0, 40, 80),
        (0.5, 0.6, 60, 80),
        (0.7, 1.5, 60, 40),  # again, and soft
        (2.0, 3.0, 47, 45),  # low, soft
        (5.0, 6.0, 72, 90),
    ]
)
HEARD = np.array(
    [
        (0.01, 1.0, 40, 80),
        (0.5, 0.6, 60, 80),
        (0.5, 0.6, 59, 80),  # a twelfth above the first
        (2.2, 3.0, 59, 80),  # an octave above the fourth
        (2.6, 3.0, 47, 80),  # strikes the fourth again
        (8.0, 9.0, 84, 80),  # out of nowhere
        (5.0, 6.0, 72, 90),
    ]
)


def test_weaknesses_are_counted():
    found = {name: marks.tolist() for name, marks in marked(HEARD, TRUTH).items()}
    assert found == {
        "low": [True, False],
        "again": [False],
        "soft": [False, False],
        "octaves": [True, True, False, False],
        "restrikes": [False, False, True, False],
    }


def test_a_set_gives_shares_and_notes_a_minute():
    audio = AudioBuffer("clip", np.zeros(30 * 16_000, np.float32), 16_000)
    row = weaknesses(
        lambda _: HEARD, transcribing.TestSet("made up", lambda: [Clip("a", audio, TRUTH)]), lambda _: None
    )
    assert row["low"] == 0.5
    assert row["octaves"] == 0.5
    assert row["invented"] == pytest.approx(8.0)
    assert row["octaves_a_minute"] == pytest.approx(4.0)
    nothing = np.zeros((0, 4))
    row = weaknesses(
        lambda _: nothing, transcribing.TestSet("silent", lambda: [Clip("a", audio, nothing)]), lambda _: None
    )
    assert row["low"] is None
    assert row["invented"] == 0.0


def test_the_pedal_is_right_within_a_fifth_of_a_second():
    truth = np.array([(1.0, 4.0), (5.0, 9.0)])
    perfect = pedal_score(truth, truth)
    assert perfect == {"onset": 1.0, "precision": 1.0, "recall": 1.0, "right": 1.0}
    late = pedal_score(np.array([(1.15, 4.0), (5.3, 9.0), (12.0, 13.0)]), truth)
    assert late["precision"] == pytest.approx(1 / 3)
    assert late["recall"] == 0.5
    assert late["right"] == pytest.approx(1 - (0.15 + 0.3 + 1.0) / 20.48, abs=0.01)
    nothing = np.zeros((0, 2))
    assert pedal_score(nothing, nothing)["onset"] == 1.0
    assert pedal_score(nothing, truth)["onset"] == 0.0
    assert pedal_score(truth, nothing)["precision"] == 0.0
