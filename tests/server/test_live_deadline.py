"""How long a live note can wait to be decided."""

from __future__ import annotations

import pytest

from diffroll_live.server.live.deadline import LONGEST_STEP, Deadline

HOP_SECONDS = 0.064


def test_a_decision_covers_the_time_until_the_next_one() -> None:
    deadline = Deadline(HOP_SECONDS)
    first, second = (deadline.due(now, 0.2) for now in (100.0, 100.064))
    assert second - first == pytest.approx(0.064, abs=0.001)
    assert HOP_SECONDS < first + 0.2 - 100.0 < 1.5 * HOP_SECONDS


def test_it_is_not_misled_by_one_late_hop() -> None:
    deadline = Deadline(HOP_SECONDS)
    deadline.due(100.0, 0.2)
    assert deadline.due(110.0, 0.2) - 110.0 <= LONGEST_STEP
