"""Events of the worker reach whoever asked for the work, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from diffroll_live.errors import InternalError
from diffroll_live.live_types import LiveEstimate
from diffroll_live.server.event_router import EventRouter
from diffroll_live.worker.messages import (
    Died,
    Failed,
    Finished,
    LiveEstimated,
    LiveFailed,
    Noted,
    Progressed,
    Started,
    StartFailed,
)

ERROR = InternalError("The engine failed.")


def test_each_event_goes_to_the_handler_of_its_number() -> None:
    events, got = EventRouter(), {name: list[Any]() for name in ("work", "other", "live")}
    work, other, live = (events.next_number() for _ in got)
    assert len({work, other, live}) == 3
    for number, handled in zip((work, other, live), got.values(), strict=True):
        events.follow(number, handled.append)
    sent = {
        "work": [Started(work), Progressed(work, 1, 2), Noted(work, ())],
        "other": [Started(other), Failed(other)],
        "live": [LiveEstimated(live, LiveEstimate(0.0, 1.0, 0.5, (), ()), 0.01), LiveFailed(live, ERROR)],
    }
    for group in sent.values():
        for event in group:
            events.route(event)
    assert got == sent


@pytest.mark.parametrize("end", [lambda n: Finished(n, None), Failed])
def test_the_end_of_work_is_its_last_event(end: Any) -> None:
    events, got = EventRouter(), list[Any]()
    number = events.next_number()
    events.follow(number, got.append)
    event = end(number)
    events.route(event)
    events.route(Progressed(number, 1, 2))
    assert got == [event]


def test_the_end_of_one_piece_of_work_may_begin_the_next() -> None:
    events, got = EventRouter(), list[Any]()
    first, second = events.next_number(), events.next_number()
    events.follow(first, lambda _: events.follow(second, got.append))
    events.route(Failed(first))
    events.route(Started(second))
    assert got == [Started(second)]


def test_what_nobody_follows_any_more_is_ignored() -> None:
    events, got = EventRouter(), list[Any]()
    number = events.next_number()
    events.follow(number, got.append)
    events.drop(number)
    events.drop(number)
    events.route(Started(number))
    events.route(LiveFailed(number, ERROR))
    assert not got


def test_all_who_follow_the_process_hear_of_it() -> None:
    events, first, second = EventRouter(), list[Any](), list[Any]()
    events.follow_process(first.append)
    events.follow_process(second.append)
    events.route(Died(1, None))
    events.route(StartFailed(ERROR, 2))
    assert first == second == [Died(1, None), StartFailed(ERROR, 2)]
