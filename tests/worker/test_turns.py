"""Whose turn it is: equal shares, the idle first, and no turn cut short for little."""

from __future__ import annotations

from collections import Counter

import pytest

from diffroll_live.worker.turns import CREDIT, Turns


def served(
    turns: Turns, clients: tuple[str, ...], seconds: float, rounds: int, brief: tuple[str, ...] = ("fill", "often")
) -> Counter[str]:
    """What each client gets of so many turns of so many seconds."""
    had: Counter[str] = Counter()
    for _ in range(rounds):
        first = turns.order(clients)[0]
        turns.charge(first, seconds, brief=first in brief)
        had[first] += seconds
    return had


def test_those_who_always_want_more_get_the_same():
    turns, clients = Turns(), ("a", "b", "c")
    for client in clients:
        turns.enter(client)
    had = served(turns, clients, 0.1, 600)
    assert max(had.values()) - min(had.values()) <= CREDIT + 0.1


def test_who_comes_goes_before_who_has_computed_for_minutes():
    turns = Turns()
    turns.enter("file")
    served(turns, ("file",), 0.25, 240)
    turns.enter("fill")
    had = served(turns, ("file", "fill"), 0.1, 25)
    assert had["fill"] == pytest.approx(2.5)
    had = served(turns, ("file", "fill"), 0.1, 400)
    assert abs(had["file"] - had["fill"]) <= 2 * CREDIT + 0.2  # from then on they share


def test_who_comes_goes_before_long_work_that_has_only_begun():
    turns = Turns()
    turns.enter("file")
    served(turns, ("file",), 0.1, 3)
    turns.enter("fill")
    assert served(turns, ("file", "fill"), 0.1, 5)["fill"] >= 0.3


def test_brief_work_is_not_interrupted_for_little():
    turns = Turns()
    for client in ("a", "b"):
        turns.enter(client)
    first = turns.order(("a", "b"))[0]
    turns.charge(first, 0.9 * CREDIT, brief=True)
    assert turns.order(("a", "b"))[0] == first
    turns.charge(first, 0.2 * CREDIT, brief=True)
    assert turns.order(("a", "b"))[0] != first


def test_being_idle_saves_no_more_than_the_credit():
    turns = Turns()
    turns.enter("idle")
    turns.charge("idle", 0.1, brief=False)
    turns.enter("busy")
    served(turns, ("busy",), 1.0, 1000)
    turns.enter("idle")
    had = served(turns, ("busy", "idle"), 0.1, 100)
    assert had["idle"] - had["busy"] <= CREDIT + 1.0 + 0.2  # and the turn that was under way


def test_coming_back_again_and_again_gains_nothing():
    turns = Turns()
    turns.enter("file")
    had: Counter[str] = Counter()
    for _ in range(400):
        turns.enter("often")  # one short job after another
        had += served(turns, ("file", "often"), 0.1, 1)
    assert had["often"] <= had["file"] + 2 * CREDIT + 0.2


def test_who_is_long_gone_is_forgotten():
    turns = Turns()
    for number in range(50):
        turns.enter(f"guest {number}")
        turns.charge(f"guest {number}", 0.01, brief=True)
    turns.enter("file")
    served(turns, ("file",), 1.0, 10)
    assert len(turns._had) == 1
