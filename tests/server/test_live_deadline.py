"""How long a live note can wait to be decided."""

from __future__ import annotations

from itertools import pairwise

import pytest

from diffroll_live.server.live.deadline import FALL, LONGEST_LATENCY, LONGEST_STEP, Deadline, HeldLatency

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


def held(deadline: Deadline, latency: HeldLatency, now: float, age: float) -> float:
    """Decide ``now`` by sound that is ``age`` seconds old at least, when 100 ms are asked for."""
    seconds = latency.at(now, 0.1)
    latency.cover(min(deadline.due(now, seconds), now - age))
    return seconds


def test_the_latency_that_was_asked_for_is_held_while_hops_are_in_time() -> None:
    deadline, latency = Deadline(HOP_SECONDS), HeldLatency()
    assert {held(deadline, latency, 100.0 + HOP_SECONDS * hop, 0.065) for hop in range(100)} == {0.1}


def test_late_hops_are_given_the_time_they_take_and_it_comes_down_again() -> None:
    deadline, latency, now, seen = Deadline(HOP_SECONDS), HeldLatency(), 100.0, []
    for _ in range(20):
        seen.append(held(deadline, latency, now, 0.12))
        now += 0.15
    assert all(0.2 < seconds < 0.3 for seconds in seen[2:])
    for _ in range(60):
        seen.append(held(deadline, latency, now, 0.065))
        now += HOP_SECONDS
    falls = [before - after for before, after in pairwise(seen[21:])]
    assert max(falls) <= FALL * HOP_SECONDS + 1e-9
    assert seen[-1] == 0.1


def test_a_stall_is_bounded_and_missing_sound_is_not_late() -> None:
    deadline, latency = Deadline(HOP_SECONDS), HeldLatency()
    held(deadline, latency, 100.0, 0.065)
    assert held(deadline, latency, 110.0, 0.065) == LONGEST_LATENCY
    other = HeldLatency()
    held(deadline, other, 100.0, 0.065)
    other.skip()
    assert held(deadline, other, 110.0, 0.065) == 0.1
