"""Pauses that grow up to a limit, and begin anew."""

from __future__ import annotations

from diffroll_live.worker.backoff import Backoff


def test_pauses_grow_up_to_the_last_and_begin_anew():
    backoff = Backoff(0.5, 3.0)
    assert [backoff.next() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert [backoff.next() for _ in range(2)] == [0.5, 1.0]


def test_the_factor_is_a_choice():
    backoff = Backoff(1.0, 100.0, factor=10.0)
    assert [backoff.next() for _ in range(4)] == [1.0, 10.0, 100.0, 100.0]
