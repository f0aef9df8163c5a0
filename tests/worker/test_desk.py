"""Several clients at one engine: turns, shared batches, cancels, and what a failure of one means for the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from support.asking import planned
from support.fake_engine import INFO

from diffroll_live.errors import Cancelled, DeviceMemory, InternalError
from diffroll_live.turn_types import Ask, Batch
from diffroll_live.types import Answer, Control, Options, Request, RequestPlan, Result
from diffroll_live.worker.desk import Desk
from diffroll_live.worker.messages import Computed, Failed, Finished, Progressed, Redecode, Run, Started


@dataclass(eq=False)
class Window:
    """An ask: ``steps`` evaluations of one request."""

    plan: RequestPlan
    control: Control
    error: Exception | None = None


class Windows:
    """A batch: each step is one evaluation of all of its windows."""

    def __init__(self, engine: SharingEngine, asks: Sequence[Window]) -> None:
        self.asks, self._engine, self._left = asks, engine, asks[0].plan.options.steps or 1
        engine.batches.append([ask.plan.id for ask in asks])

    def step(self) -> bool:
        asks = [ask for ask in self.asks if ask.error is None]
        self._engine.steps.append([ask.plan.id for ask in asks])
        if self._engine.failure is not None:
            raise self._engine.failure
        self._left -= 1
        for ask in asks:
            try:
                ask.control.progress(1, 1)
            except Cancelled as error:
                ask.error = error
        return self._left == 0


class SharingEngine:
    """Computes ``abreast`` windows together; a request is as many windows, one after another, as it has seconds."""

    info = INFO

    def __init__(self, abreast: int) -> None:
        self.abreast = abreast
        self.batches: list[list[str]] = []
        self.steps: list[list[str]] = []
        self.failure: Exception | None = None
        self.closed: list[str] = []

    def answer(self, plan: RequestPlan, control: Control) -> Answer:
        try:
            for _ in range(round(plan.options.seconds)):
                yield Window(plan, control)
                yield None
        except GeneratorExit:
            raise
        except Exception as error:
            self.closed.append(f"{plan.id}: {error}")
            raise
        return Result(plan.id, ((),), plan.options.seed)

    def gather(self, asks: Sequence[Ask]) -> Batch:
        return Windows(self, [ask for ask in asks if isinstance(ask, Window)][: self.abreast])

    def redecode(self, request_id: str, threshold: float, min_note: float) -> Result:
        return Result(request_id, ((),), 0)


class Office:
    """A desk, its engine, and all events."""

    def __init__(self, abreast: int = 1) -> None:
        self.engine, self.events = SharingEngine(abreast), list[Any]()
        self.desk = Desk(self.engine, self.events.append)

    def put(self, serial: int, client: str, windows: int = 1, *, steps: int = 1, urgent: bool = False) -> None:
        options = Options(seconds=float(windows), steps=steps)
        plan = planned(Request(f"{client}{serial}", "generate", None, options=options))
        self.desk.put(Run(serial, plan, client, urgent))

    def turn(self) -> int:
        serial = self.desk.next()
        self.desk.turn(serial)
        return serial

    def empty(self) -> list[int]:
        """Give turns until all is done; the serials in the order of their ends."""
        while not self.desk.is_empty:
            self.turn()
        return [event.serial for event in self.events if isinstance(event, Finished | Failed)]


def test_a_client_s_work_is_done_in_order_and_each_is_told_once():
    office = Office()
    office.put(1, "a", windows=2)
    office.put(2, "a")
    office.put(1, "a", windows=9)  # in hand already
    assert office.empty() == [1, 2]
    assert [event.serial for event in office.events if isinstance(event, Started)] == [1, 2]
    computed = [event for event in office.events if isinstance(event, Computed)]
    assert {client for event in computed for client, _ in event.seconds} == {"a"}


def test_windows_of_several_clients_share_a_batch_and_end_together():
    office = Office(abreast=3)
    for serial, client in enumerate("abcd", start=1):
        office.put(serial, client)
    assert sorted(office.empty()) == [1, 2, 3, 4]
    assert office.engine.batches == [["a1", "b2", "c3"], ["d4"]]


def test_who_waits_is_taken_along_in_the_long_work_of_another():
    office = Office(abreast=2)
    office.put(1, "file", windows=5)
    office.turn()
    office.put(2, "fill")
    assert office.empty() == [2, 1]
    assert ["file1", "fill2"] in [sorted(batch) for batch in office.engine.batches]


def test_one_abreast_shares_nothing():
    office = Office()
    for serial, client in enumerate("abc", start=1):
        office.put(serial, client, windows=2)
    office.empty()
    assert {len(batch) for batch in office.engine.batches} == {1}


def test_what_is_urgent_goes_before_everything():
    office = Office()
    office.put(1, "a", windows=3)
    office.put(2, "b", windows=3)
    office.turn()
    office.put(3, "c", windows=2, urgent=True)
    office.desk.put(Redecode(4, "a1", 0.5, 0.1, "a"))
    assert office.empty()[:2] in ([3, 4], [4, 3])


@pytest.mark.parametrize("abreast", [1, 3])
def test_a_cancel_ends_one_and_leaves_those_beside_it(abreast: int):
    office = Office(abreast)
    for serial, client in enumerate("abc", start=1):
        office.put(serial, client, steps=4)
    office.turn()
    office.turn()
    for serial in (1, 3, 77):
        office.desk.cancel(serial)
    assert sorted(office.empty()) == [1, 2, 3]
    ends = {event.serial: event for event in office.events if isinstance(event, Finished | Failed)}
    assert isinstance(ends[2], Finished)
    assert all(isinstance(ends[serial].error, Cancelled) for serial in (1, 3))
    assert Counter(name for step in office.engine.steps for name in step)["a1"] <= 3


def test_an_answer_hears_of_its_cancel():
    office = Office()
    office.put(1, "a", windows=2)
    office.turn()
    office.turn()
    office.desk.cancel(1)
    office.empty()
    assert office.engine.closed == ["a1: The job was cancelled."]


@pytest.mark.parametrize(
    ("failure", "code"), [(DeviceMemory("The device is full."), "out-of-memory"), (RuntimeError("shapes"), "internal")]
)
def test_a_batch_that_fails_fails_those_in_it_and_no_other(failure: Exception, code: str):
    office = Office(abreast=2)
    for serial, client in enumerate("abc", start=1):
        office.put(serial, client)
    office.engine.failure = failure
    office.turn()
    office.engine.failure = None
    office.empty()
    ends = {event.serial: event for event in office.events if isinstance(event, Finished | Failed)}
    assert [ends[serial].error.code for serial in (1, 2)] == [code, code]
    assert isinstance(ends[3], Finished)


def test_a_request_that_cannot_be_answered_is_the_only_one_that_fails():
    office = Office()
    office.put(1, "a")
    office.put(2, "b")
    office.engine.answer = lambda plan, control: (
        _broken()
        if plan.id == "a1"
        else SharingEngine.answer(  # type: ignore[method-assign]
            office.engine, plan, control
        )
    )
    office.empty()
    ends = {event.serial: event for event in office.events if isinstance(event, Finished | Failed)}
    assert isinstance(ends[1].error, InternalError)
    assert isinstance(ends[2], Finished)
    assert any(isinstance(event, Progressed) and event.serial == 2 for event in office.events)


def _broken() -> Answer:
    yield None
    raise RuntimeError("broken")
