"""The queue and the process behind it: order, cancel, crash, and an end that leaves nothing behind."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from support.asking import planned
from support.fake_engine import INFO, FakeEngine, make_engine, make_fatal_engine, make_no_engine, notes_of
from support.running import alive

from diffroll_live.errors import Busy, Cancelled, InternalError, UnknownJob
from diffroll_live.types import AudioBuffer, Control, Options, Request, Result
from diffroll_live.worker.messages import (
    Died,
    Failed,
    Finished,
    Gridded,
    Noted,
    Progressed,
    Ready,
    Redecode,
    Run,
    Started,
    StartFailed,
    describe_exit,
)
from diffroll_live.worker.pipe import WorkReceiver, WorkSender
from diffroll_live.worker.process import main
from diffroll_live.worker.queue import Worker
from diffroll_live.worker.supervisor import Supervisor

TIMEOUT = 30.0


class WorkerOwner:
    """Owns a worker: runs the calls that it posts, and keeps its events."""

    def __init__(self, factory: Callable[[], Any] = make_engine, **options: Any) -> None:
        self.calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self.events: list[Any] = []
        self._others = _engines()
        self.worker = Worker(factory, grace=0.3, **options)
        self.worker.start(self.calls.put, self.events.append)

    def until(self, holds: Callable[[Any], bool]) -> Any:
        """Run calls until an event fits; return it."""
        end = time.monotonic() + TIMEOUT
        while True:
            for event in self.events:
                if holds(event):
                    return event
            assert time.monotonic() < end, self.events
            self.calls.get(timeout=TIMEOUT)()

    def end_of(self, serial: int) -> Any:
        return self.until(lambda e: isinstance(e, Finished | Failed) and e.serial == serial)

    @property
    def pid(self) -> int:
        """Of the inference process."""
        (pid,) = _engines() - self._others
        return pid

    def ready(self) -> WorkerOwner:
        self.until(lambda e: isinstance(e, Ready))
        return self


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


def test_an_idle_engine_prepares_until_work_comes():
    owner = WorkerOwner(PreparingEngine).ready()
    prepared = []
    while not any(prepared):
        serial = len(prepared) + 1
        owner.worker.submit(Redecode(serial, "", 0.5, 0.1), "a")
        prepared.append(int(owner.end_of(serial).error.text))
    owner.worker.close()


def test_an_engine_is_ready_as_it_was_made_without_a_second_warm_up(monkeypatch):
    monkeypatch.setattr("diffroll_live.worker.process._leave_interrupts_to_the_daemon", lambda: None)
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


def run(serial: int, name: str = "job", **options: Any) -> Run:
    return Run(
        serial, planned(Request(f"{name}#{serial}", "generate", None, options=Options(**{"seconds": 2.0} | options)))
    )


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


def test_a_client_slot_holds_one_piece_of_waiting_work(owner):
    owner.worker.submit(run(1, steps=10), "a")
    assert owner.worker.submit(run(2), "a") == (1, None)
    assert owner.worker.submit(run(3), "a") == (1, 2)
    assert owner.worker.submit(run(4), "b") == (2, None)
    with pytest.raises(Busy, match="2 jobs"):
        owner.worker.submit(run(5), "c")
    status = owner.worker.status()
    assert (status.state, status.queued, status.running) == ("busy", 2, 1)
    for serial in (1, 3, 4):
        assert isinstance(owner.end_of(serial), Finished)
    assert 0.0 < owner.worker.status().load <= 1.0


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


def test_audio_goes_over_the_pipe_once():
    here, there = multiprocessing.Pipe()
    sender, receiver = WorkSender(here), WorkReceiver(there)
    received = []
    ones = np.ones(300, np.float32)
    for number, samples in enumerate([ones, ones, np.zeros(2, np.float32), None, ones]):
        audio = None if samples is None else AudioBuffer("b", samples, 16_000, 2.5)
        work = Run(number, planned(Request(f"job#{number}", "transcribe" if audio else "generate", audio)))
        sender.send(work)
        back = receiver.receive()
        assert (back.serial, back.plan.id) == (number, work.plan.id)
        if audio is not None:
            assert (back.plan.audio.name, back.plan.audio.origin) == ("b", 2.5)
            np.testing.assert_array_equal(back.plan.audio.samples, samples)
            received.append(back.plan.audio.samples)
    assert received[1] is received[0]
    assert received[0].flags.writeable


def test_redecoding_needs_a_result(owner):
    owner.worker.submit(run(1), "a")
    owner.end_of(1)
    owner.worker.submit(Redecode(2, "job#1", 0.01, 0.1), "a")
    assert isinstance(owner.end_of(2), Finished)
    owner.worker.submit(Redecode(3, "job#none", 0.01, 0.1), "a")
    assert isinstance(owner.end_of(3).error, UnknownJob)


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


def _engines() -> set[int]:
    return {p.pid for p in multiprocessing.active_children() if p.name == "diffroll-engine" and p.pid}
