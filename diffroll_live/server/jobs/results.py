"""Results that need no computing: notes that a client gave, or that one gives to another; their file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from diffroll_live.errors import RequestError, UnknownJob
from diffroll_live.osc import result_messages as m
from diffroll_live.osc.replies import JobDone
from diffroll_live.osc.result_replies import JobSaved
from diffroll_live.server.audio.handlers import AudioHandlers
from diffroll_live.server.clients import Client, ClientTable
from diffroll_live.server.event_router import EventRouter
from diffroll_live.server.history import History
from diffroll_live.server.job import ACTIVE, Job
from diffroll_live.server.jobs.delivery import NoteDelivery
from diffroll_live.server.surviving import surviving
from diffroll_live.types import Result


class ResultHandlers:
    """Handles ``/diffroll/job/finish``, ``save`` and ``return``."""

    def __init__(
        self,
        clients: ClientTable,
        audio: AudioHandlers,
        events: EventRouter,
        delivery: NoteDelivery,
        history: History,
    ) -> None:
        self._clients, self._audio, self._events = clients, audio, events
        self._delivery, self._history = delivery, history
        self._tasks: set[asyncio.Task[None]] = set()
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            m.JobFinish: self._finish,
            m.JobSave: self._save,
            m.JobReturn: self._return,
        }

    def _finish(self, client: Client, message: m.JobFinish) -> None:
        job = client.jobs[message.job]
        if job.state in ACTIVE:
            raise RequestError(f"The job {job.name!r} is being run; cancel it first.")
        audio = self._audio.get(client, job.buffer) if job.buffer else None
        audio = self._delivery.placed(audio) if audio is not None else None
        job.origin = audio.origin if audio is not None else job.settings.delivery.origin
        job.meter = self._delivery.meter(job, audio)
        self._delivery.check(job)
        self._deliver(client, job, Result(self._new_id(job), (job.given,), job.settings.options.seed))

    def _return(self, client: Client, message: m.JobReturn) -> None:
        source = _result(client.jobs[message.job], message.variation)
        other = next((each for each in self._clients if each.key == message.client), None)
        if other is None:
            raise RequestError(f"There is no client {message.client!r}; it may have left. Save the MIDI file instead.")
        target = other.jobs[message.target]
        if target.state in ACTIVE:
            raise RequestError(f"The job {target.name!r} is being run; wait for its end.")
        self._delivery.check(target)
        self._deliver(other, target, replace(source, request_id=self._new_id(target)))

    def _save(self, client: Client, message: m.JobSave) -> None:
        job = client.jobs[message.job]
        result = _result(job, message.variation)

        async def save() -> None:
            with surviving(f"job {job.name} of {client.key}", partial(client.send_error, job.name)):
                await self._delivery.save_as(message.path, job, result)
                client.send(JobSaved(job.name, message.path))

        self._spawn(save())

    def _new_id(self, job: Job) -> str:
        return f"{job.name}#{self._events.next_number()}"

    def _deliver(self, client: Client, job: Job, result: Result) -> None:
        """Make something the result of a job, and bring it where its client wants it."""
        (notes,) = result.variations
        job.result, job.request_id, job.state, job.progress = result, result.request_id, "done", 1.0
        job.notes = {(0, index): note for index, note in enumerate(notes)}
        self._history.add(client, job, "done", time.monotonic())
        delivery = job.settings.delivery

        async def deliver() -> None:
            with surviving(f"job {job.name} of {client.key}", partial(client.send_error, job.name)):
                if delivery.deliver != "midi":
                    await self._delivery.send_all(client, job, job.notes.items(), lambda: job.result is result)
                    await self._delivery.send_bends(
                        client, job, job.notes.items(), result.bends, lambda: job.result is result
                    )
                    self._delivery.send_pedal(client, job, result.pedal)
                await self._delivery.save(client, job, result)
                if delivery.deliver != "osc" and delivery.when != "never":
                    self._delivery.replay(client, job)
                client.send(JobDone(job.name, len(notes), result.seed, 0.0))

        self._spawn(deliver())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _result(job: Job, variation: int) -> Result:
    """The result of a job with one variation alone. Raises errors.UnknownJob, errors.RequestError."""
    if job.result is None:
        raise UnknownJob(f"The job {job.name!r} has no notes yet; wait for its end.")
    if not 0 <= variation < len(job.result.variations):
        raise RequestError(f"The job {job.name!r} has no variation {variation}; count from 0.")
    return replace(job.result, variations=(job.result.variations[variation],))
