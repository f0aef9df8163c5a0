"""The queue and the process behind it: order, cancel, crash, and an end that leaves nothing behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.fake_engine import INFO, FakeEngine, make_engine, make_fatal_engine, make_no_engine, notes_of
from support.running import alive
from support.waiting import wait_until
from support.worker_owner import TIMEOUT, WorkerOwner, run

from diffroll_live.errors import Busy, Cancelled, InternalError, UnknownJob
from diffroll_live.types import Control, Request, Result
from diffroll_live.worker.messages import (
    Died,
    Finished,
    Gridded,
    Noted,
    Progressed,
    Ready,
    Redecode,
    Started,
    StartFailed,
    describe_exit,
)
from diffroll_live.worker.process import QUIET, main
from diffroll_live.worker.queue import Worker
from diffroll_live.worker.supervisor import Supervisor


class UnaskedEngine(FakeEngine):
    """Has warmed itself while it was made, and is to be asked for nothing more."""

    def run(self, request: Request, control: Control) -> Result:
        raise AssertionError(f"nobody has asked for {request.id}")


class PreparingEngine(FakeEngine):
    """Prepares for ever; a decoding reports in how many steps so far."""

    def __init__(self) -> None:
        super().__init__()
        self.prepared = 0

    def tune(self, control: Control) -> bool:
        while True:
            time.sleep(0.001)
            self.prepared += 1
            control.progress(self.prepared, 0)

    def redecode(self, request_id: str, threshold: float, min_note: float) -> Result:
        raise UnknownJob(str(self.prepared))


@pytest.mark.slow
def test_an_idle_engine_prepares_until_work_comes():
    owner = WorkerOwner(PreparingEngine).ready()
    prepared = []
    while not any(prepared):
        serial = len(prepared) + 1
        owner.worker.submit(Redecode(serial, "", 0.5, 0.1), "a")
        prepared.append(int(owner.end_of(serial).error.text))
        time.sleep(QUIET * len(prepared))
    owner.worker.close()


def test_an_engine_is_ready_as_it_was_made_without_a_second_warm_up(monkeypatch):
    monkeypatch.setattr("diffroll_live.worker.process.leave_interrupts_to_the_daemon", lambda: None)
    ours, theirs = multiprocessing.Pipe()
    _, live = multiprocessing.Pipe()
    cancelled = multiprocessing.Value("q", -1, lock=False)
    process = threading.Thread(target=main, args=(theirs, live, cancelled, UnaskedEngine))
    process.start()
    assert ours.recv() == Ready(INFO)
    ours.close()
    process.join(TIMEOUT)
    assert not process.is_alive()


@pytest.fixture
def owner() -> Iterator[WorkerOwner]:
    one = WorkerOwner(queue_size=2).ready()
    yield one
    one.worker.close()


@pytest.mark.slow
def test_a_process_that_the_system_cannot_start_is_tried_again(monkeypatch):
    spawn, attempts = Supervisor._spawn, iter((OSError("Too many open files"),))

    def spawn_at_last(self: Supervisor) -> Any:
        for failure in attempts:
            raise failure
        return spawn(self)

    monkeypatch.setattr(Supervisor, "_spawn", spawn_at_last)
    owner = WorkerOwner().ready()
    assert owner.events[0].attempt == 1
    assert "Too many open files" in owner.events[0].error.text
    owner.worker.close()


def test_work_is_told_from_start_to_result(owner):
    work = run(1, steps=3)
    assert owner.worker.submit(work, "a") == (0, None)
    result = owner.end_of(1).result
    assert result.variations == (notes_of(work.plan, 0),)
    kinds = [type(e) for e in owner.events]
    assert kinds == [Ready, Started, Gridded, Progressed, Noted, Progressed, Progressed, Noted, Finished]
    assert owner.worker.info == INFO


@pytest.mark.slow
def test_a_client_slot_holds_one_piece_of_waiting_work(owner):
    owner.worker.submit(run(1, steps=10), "a")
    assert owner.worker.submit(run(2), "a") == (1, None)
    assert owner.worker.submit(run(3), "a") == (1, 2)
    assert owner.worker.submit(run(4), "b") == (2, None)
    with pytest.raises(Busy, match="2 jobs"):
        owner.worker.submit(run(5), "c")
    status = owner.worker.status()
    assert (status.state, status.queued, status.running) == ("busy", 2, (1,))
    for serial in (1, 3, 4):
        assert isinstance(owner.end_of(serial), Finished)
    assert 0.0 < owner.worker.status().load <= 1.0


def test_a_process_that_has_begun_is_the_one_that_works():
    owner = WorkerOwner(begun=True)
    pid = owner.pid
    owner.ready()
    owner.worker.submit(run(1), "a")
    assert isinstance(owner.end_of(1), Finished)
    assert owner.pid == pid
    owner.worker.close()
    assert not alive(pid)


def test_a_process_that_nobody_starts_is_ended():
    others = {child.pid for child in multiprocessing.active_children()}
    worker = Worker(make_engine, grace=0.3)
    worker.begin()
    wait_until(lambda: {child.pid for child in multiprocessing.active_children()} - others, "a process")
    (begun,) = {child.pid for child in multiprocessing.active_children()} - others
    worker.close()
    assert not alive(begun)


@pytest.mark.slow
def test_a_long_job_of_one_client_does_not_hold_up_a_short_one_of_another(owner):
    owner.worker.submit(run(1, client="file", steps=1000), "file")
    owner.until(lambda e: isinstance(e, Progressed) and e.step == 5)
    owner.worker.submit(run(2, client="fill"), "fill")
    assert isinstance(owner.end_of(2), Finished)
    status = owner.worker.status()
    assert status.running == (1,)
    file, fill = status.clients["file"], status.clients["fill"]
    assert (file.waiting, file.running, fill.running) == (0, 1, 0)
    assert file.share > 0
    assert 0 < fill.share <= status.load <= 1
    assert fill.wait < 10
    owner.worker.cancel(1)
    assert isinstance(owner.end_of(1).error, Cancelled)


@pytest.mark.slow
def test_what_waits_has_waited_so_far(owner):
    owner.worker.submit(run(1, client="a", steps=1000), "a")
    owner.worker.submit(run(2, client="a"), "a")
    owner.until(lambda e: isinstance(e, Progressed))
    waits = [owner.worker.status().clients["a"].wait for _ in range(2)]
    assert 0 < waits[0] < waits[1]


def test_cancel_stops_what_runs_and_drops_what_waits(owner):
    owner.worker.submit(run(1, steps=1000), "a")
    owner.worker.submit(run(2), "b")
    owner.until(lambda e: isinstance(e, Progressed))
    owner.worker.cancel(2)
    owner.worker.cancel(1)
    owner.worker.cancel(77)
    assert isinstance(owner.end_of(2).error, Cancelled)
    assert isinstance(owner.end_of(1).error, Cancelled)
    last = max(e.step for e in owner.events if isinstance(e, Progressed))
    assert last < 500
    owner.worker.submit(run(3), "a")
    assert isinstance(owner.end_of(3), Finished)


def test_redecoding_needs_a_result(owner):
    owner.worker.submit(run(1), "a")
    owner.end_of(1)
    owner.worker.submit(Redecode(2, "job#1", 0.01, 0.1), "a")
    assert isinstance(owner.end_of(2), Finished)
    owner.worker.submit(Redecode(3, "job#none", 0.01, 0.1), "a")
    assert isinstance(owner.end_of(3).error, UnknownJob)


@pytest.mark.slow
def test_a_crash_costs_one_job_and_the_queue_survives(owner):
    owner.worker.submit(run(1, "crash"), "a")
    owner.worker.submit(run(2), "b")
    owner.worker.submit(run(3), "c")
    error = owner.end_of(1).error
    assert isinstance(error, InternalError)
    assert "SIGKILL" in error.text
    assert "run the job again" in error.text
    for serial in (2, 3):
        assert isinstance(owner.end_of(serial), Finished)


@pytest.mark.slow
def test_a_crash_costs_whoever_had_the_turn_and_the_others_begin_again(owner):
    owner.worker.submit(run(1, client="a", steps=150), "a")
    owner.until(lambda e: isinstance(e, Progressed) and e.step == 3)
    owner.worker.submit(run(2, "crash", client="b"), "b")
    assert "SIGKILL" in owner.end_of(2).error.text
    end = owner.end_of(1)
    assert isinstance(end, Finished)
    assert end.result.variations == (notes_of(run(1).plan, 0),)
    assert sum(isinstance(e, Started) and e.serial == 1 for e in owner.events) == 2


def test_what_a_process_sent_before_it_died_is_not_lost():
    ours, theirs = multiprocessing.Pipe()
    live, their_live = multiprocessing.Pipe()
    sent = [Started(1), Noted(1, ()), Progressed(1, 1, 2)]
    for event in sent:
        theirs.send(event)
    theirs.close()
    their_live.close()
    received: list[Any] = []
    supervisor = Supervisor(make_engine, received.append, grace=0.3)
    supervisor._exchange(ours, live)
    assert received == sent


@pytest.mark.slow
def test_a_process_that_dies_idle_is_started_again(owner):
    os.kill(owner.pid, signal.SIGKILL)
    owner.until(lambda e: isinstance(e, Died) and e.serial is None)
    assert owner.worker.status().state == "restarting"
    owner.worker.submit(run(1), "a")
    assert isinstance(owner.end_of(1), Finished)


def test_a_cancelled_serial_does_not_cancel_the_next(owner):
    owner.worker.submit(run(1, steps=1000), "a")
    owner.until(lambda e: isinstance(e, Progressed))
    owner.worker.cancel(1)
    owner.worker.submit(run(2, steps=5), "a")
    assert isinstance(owner.end_of(2), Finished)


def test_an_engine_that_cannot_be_made_says_why():
    owner = WorkerOwner(make_no_engine)
    failure = owner.until(lambda e: isinstance(e, StartFailed))
    assert failure.error.code == "no-model"
    owner.worker.close()


@pytest.mark.slow
def test_waiting_work_is_given_up_when_the_process_never_comes_up():
    owner = WorkerOwner(make_fatal_engine)
    owner.worker.submit(run(1), "a")
    error = owner.end_of(1).error
    assert "ended with code 7" in error.text
    owner.worker.close()


@pytest.mark.slow
def test_a_stuck_process_is_killed_at_the_end(owner):
    owner.worker.submit(run(1, "stuck"), "a")
    owner.until(lambda e: isinstance(e, Started))
    pid = owner.pid
    owner.worker.close()
    assert not alive(pid)


@pytest.mark.parametrize(
    ("code", "words"), [(0, "code 0"), (3, "code 3"), (-15, "SIGTERM"), (-9, "memory"), (None, "code None")]
)
def test_exits_are_described(code, words):
    assert words in describe_exit(code)
