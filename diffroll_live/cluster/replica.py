"""A replica: one engine of a cluster, on whose desk the work of many daemons takes turns and shares batches."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import AsyncIterator, Callable
from ctypes import c_longlong
from dataclasses import dataclass, replace
from typing import Any

from diffroll_live import __version__
from diffroll_live.errors import ChecksumMismatch, UnknownJob
from diffroll_live.types import Engine, ModelInfo
from diffroll_live.worker.inbox import Inbox
from diffroll_live.worker.messages import Cancel, Failed, Finished, Report, Run, Work, WorkEvent
from diffroll_live.worker.process import work_on

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A piece of work without its samples, which lie in the cluster's memory: an object reference, or nothing.

    ``before`` is the request that a redecode is about. A replica that does not remember it, since another one answered
    it, answers it again first.
    """

    work: Work
    samples: tuple[Any, ...] = ()
    before: Parcel | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """What serves: the package's version, and the model."""

    version: str
    info: ModelInfo


class Replica:
    """Answers work with an engine of its own, whose model must have the ``sha256`` that was deployed."""

    def __init__(self, factory: Callable[[], Engine], sha256: str) -> None:
        self._engine = factory()
        if self._engine.info.sha256 != sha256:
            raise ChecksumMismatch("The model on a node has other weights than the deployed one; put the same on all.")
        self._inbox = Inbox()
        self._serials = itertools.count(1)
        self._streams: dict[int, Callable[[WorkEvent], object]] = {}
        self._thread = threading.Thread(target=self._compute, name="diffroll-desk", daemon=True)
        self._thread.start()

    async def welcome(self) -> Welcome:
        """Say what serves."""
        return Welcome(__version__, self._engine.info)

    async def check_health(self) -> None:
        """Raise where nothing is computed any more, so that Serve starts another replica."""
        if not self._thread.is_alive():
            raise RuntimeError("the desk's thread has ended")

    async def answer(self, parcel: Parcel) -> AsyncIterator[tuple[WorkEvent, ...]]:
        """Answer a piece of work: its events as they come, the last of which is Finished or Failed."""
        async for events in self._events(parcel):
            last = events[-1]
            if not (parcel.before and isinstance(last, Failed) and isinstance(last.error, UnknownJob)):
                yield events
                continue
            async for _ in self._events(parcel.before):
                pass
            async for again in self._events(parcel):
                yield again

    async def _events(self, parcel: Parcel) -> AsyncIterator[tuple[WorkEvent, ...]]:
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[WorkEvent] = asyncio.Queue()
        serial = next(self._serials)
        work = await _with_samples(parcel)
        self._streams[serial] = lambda event: loop.call_soon_threadsafe(queue.put_nowait, event)
        try:
            self._inbox.put(replace(work, serial=serial))
            ended = False
            while not ended:
                events = [await queue.get()]
                while not queue.empty():
                    events.append(queue.get_nowait())
                ended = isinstance(events[-1], Finished | Failed)
                yield tuple(replace(event, serial=work.serial) for event in events)
        finally:  # also where nobody listens any more
            del self._streams[serial]
            self._inbox.put(Cancel(serial))

    def _compute(self) -> None:
        work_on(self._engine, self._send, self._inbox, c_longlong())

    def _send(self, report: Report) -> None:
        if isinstance(report, WorkEvent) and (stream := self._streams.get(report.serial)) is not None:
            stream(report)


async def _with_samples(parcel: Parcel) -> Work:
    work = parcel.work
    if not parcel.samples:
        return work
    assert isinstance(work, Run)
    assert work.plan.audio is not None
    samples = await parcel.samples[0]
    return replace(work, plan=replace(work.plan, audio=replace(work.plan.audio, samples=samples)))
