"""The live thread in a real inference process: next to jobs, through failures and after a crash."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest
from support.asking import planned
from support.fake_engine import CRASH, INFO, LIVE_PITCH, FakeEngine, make_engine

from diffroll_live.errors import RequestError
from diffroll_live.live_types import LiveTranscriber
from diffroll_live.types import Options, Request
from diffroll_live.worker.live_thread import LiveThread
from diffroll_live.worker.messages import (
    Died,
    Finished,
    LiveClose,
    LiveEstimated,
    LiveFailed,
    LiveFeed,
    LiveOpen,
    Progressed,
    Ready,
    Run,
)
from diffroll_live.worker.priority import JOB_NICENESS
from diffroll_live.worker.queue import Worker

RATE = 16_000
TIMEOUT = 30.0
LOUD = np.full(1024, 0.5, np.float32)


class Owner:
    """Owns a worker, and runs the calls that it posts while it waits."""

    def __init__(self, factory: Callable[[], Any] = make_engine) -> None:
        self.calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self.events: list[Any] = []
        self.worker = Worker(factory, grace=0.3)
        self.worker.start(self.calls.put, self.events.append)
        self.until(lambda event: isinstance(event, Ready))

    def until(self, holds: Callable[[Any], bool]) -> Any:
        end = time.monotonic() + TIMEOUT
        while True:
            for event in self.events:
                if holds(event):
                    return event
            assert time.monotonic() < end, self.events
            self.calls.get(timeout=TIMEOUT)()

    def transcribe(self, number: int, samples: np.ndarray = LOUD) -> LiveEstimated:
        """Feed one hop and wait for the estimate."""
        before = sum(isinstance(event, LiveEstimated) for event in self.events)
        self.worker.send_live(LiveFeed(1, number * len(samples), samples))
        self.until(lambda _: sum(isinstance(event, LiveEstimated) for event in self.events) > before)
        return [event for event in self.events if isinstance(event, LiveEstimated)][-1]


class OfflineEngine(FakeEngine):
    """Cannot transcribe live."""

    def open_stream(self, rate: int) -> LiveTranscriber:
        raise RequestError("The model 'fake' cannot transcribe live; serve another one.")


class BrokenStream:
    """Fails."""

    def update(self, first: int, samples: np.ndarray) -> Any:
        raise RuntimeError("the stream was told to fail")


class BrokenEngine(FakeEngine):
    """Opens broken streams."""

    def open_stream(self, rate: int) -> LiveTranscriber:
        return BrokenStream()


def niceness() -> int:
    """Of the calling thread."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


class NicenessEngine(FakeEngine):
    """Reports the niceness of the thread that makes it, and of the one that opens a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.info = replace(INFO, device=str(niceness()))

    def open_stream(self, rate: int) -> LiveTranscriber:
        raise RequestError(str(niceness()))


@pytest.fixture
def owner() -> Iterator[Owner]:
    one = Owner()
    yield one
    one.worker.close()


def test_hops_are_transcribed_while_a_long_job_runs(owner: Owner) -> None:
    owner.worker.submit(
        Run(1, planned(Request("long", "generate", None, options=Options(steps=1000, seconds=1.0)))), "a"
    )
    owner.until(lambda event: isinstance(event, Progressed))
    owner.worker.send_live(LiveOpen(1, RATE))
    for number in range(10):
        answer = owner.transcribe(number)
        assert answer.estimate.edge == pytest.approx((number + 1) * 1024 / RATE)
    assert [candidate.pitch for candidate in answer.estimate.candidates] == [LIVE_PITCH]
    assert not any(isinstance(event, Finished) for event in owner.events)
    owner.worker.cancel(1)


def test_a_closed_input_is_transcribed_no_more(owner: Owner) -> None:
    owner.worker.send_live(LiveOpen(1, RATE))
    owner.transcribe(0)
    owner.worker.send_live(LiveClose(1))
    owner.worker.send_live(LiveFeed(1, 1024, LOUD))
    owner.worker.send_live(LiveOpen(1, RATE))
    assert owner.transcribe(9).estimate.edge == pytest.approx(10 * 1024 / RATE)
    assert sum(isinstance(event, LiveEstimated) for event in owner.events) == 2


@pytest.mark.slow
def test_an_input_is_transcribed_again_after_a_crash(owner: Owner) -> None:
    owner.worker.send_live(LiveOpen(1, RATE))
    owner.transcribe(0)
    owner.worker.send_live(LiveFeed(1, 1024, np.full(1024, CRASH, np.float32)))
    owner.until(lambda event: isinstance(event, Died))
    owner.until(lambda _: sum(isinstance(event, Ready) for event in owner.events) == 2)
    owner.worker.send_live(LiveOpen(1, RATE))
    owner.transcribe(5)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the niceness of a thread")
def test_live_input_goes_before_jobs() -> None:
    owner = Owner(NicenessEngine)
    owner.worker.send_live(LiveOpen(1, RATE))
    failure = owner.until(lambda event: isinstance(event, LiveFailed))
    assert int(owner.worker.info.device) - int(failure.error.text) == JOB_NICENESS
    owner.worker.close()


@pytest.mark.slow
@pytest.mark.parametrize(("factory", "code"), [(OfflineEngine, "bad-option"), (BrokenEngine, "internal")])
def test_what_cannot_be_transcribed_is_reported_once(factory: Callable[[], Any], code: str) -> None:
    owner = Owner(factory)
    owner.worker.send_live(LiveOpen(1, RATE))
    for number in range(3):
        owner.worker.send_live(LiveFeed(1, number * 1024, LOUD))
    failure = owner.until(lambda event: isinstance(event, LiveFailed))
    assert failure.error.code == code
    owner.worker.submit(Run(1, planned(Request("job", "generate", None, options=Options(steps=2, seconds=1.0)))), "a")
    owner.until(lambda event: isinstance(event, Finished))
    assert sum(isinstance(event, LiveFailed) for event in owner.events) == 1
    owner.worker.close()


def test_the_live_thread_outlives_a_message_that_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    daemons, processes = Pipe()
    thread = LiveThread(processes)
    thread.start()
    thread.serve(FakeEngine())
    daemons.send_bytes(b"no pickle")
    for message in (LiveOpen(1, RATE), LiveFeed(1, 0, LOUD)):
        daemons.send(message)
    assert daemons.poll(TIMEOUT)
    assert isinstance(daemons.recv(), LiveEstimated)
    assert "cannot be read" in caplog.text
    daemons.close()
