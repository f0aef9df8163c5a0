"""A worker as a test owns one, and work to give it."""

from __future__ import annotations

import multiprocessing
import queue
import time
from collections.abc import Callable
from typing import Any

from diffroll_live.types import Options, Request
from diffroll_live.worker.messages import Failed, Finished, Ready, Run
from diffroll_live.worker.queue import Worker
from support.asking import planned
from support.fake_engine import make_engine
from support.waiting import wait_until

TIMEOUT = 30.0


class WorkerOwner:
    """Owns a worker: runs the calls that it posts, and keeps its events."""

    def __init__(self, factory: Callable[[], Any] = make_engine, *, begun: bool = False, **options: Any) -> None:
        self.calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self.events: list[Any] = []
        self._others = engines()
        self.worker = Worker(factory, grace=0.3, **options)
        if begun:
            self.worker.begin()
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
        wait_until(lambda: engines() - self._others, "an inference process")
        (pid,) = engines() - self._others
        return pid

    def ready(self) -> WorkerOwner:
        self.until(lambda e: isinstance(e, Ready))
        return self


def run(serial: int, name: str = "job", client: str = "", **options: Any) -> Run:
    request = Request(f"{name}#{serial}", "generate", None, options=Options(**{"seconds": 2.0} | options))
    return Run(serial, planned(request), client)


def engines() -> set[int]:
    return {p.pid for p in multiprocessing.active_children() if p.name == "diffroll-engine" and p.pid}
