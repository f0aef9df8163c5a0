"""The jobs that are running: submits their work to the worker and follows its events to the end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from diffroll_live.errors import Cancelled, DiffrollError, UnknownJob
from diffroll_live.music.plan import plan_request
from diffroll_live.osc.replies import JobAccepted, JobCancelled, JobDone, JobProgress
from diffroll_live.server.clients import Client
from diffroll_live.server.counts import Counts
from diffroll_live.server.event_router import EventRouter
from diffroll_live.server.history import History
from diffroll_live.server.job import ACTIVE, Job, State
from diffroll_live.server.jobs.active import ActiveRun
from diffroll_live.server.jobs.delivery import NoteDelivery, Playback
from diffroll_live.server.surviving import surviving
from diffroll_live.types import AudioBuffer, Result, StreamedNote
from diffroll_live.worker.messages import (
    Estimated,
    Event,
    Failed,
    Finished,
    Gridded,
    Noted,
    Progressed,
    Redecode,
    Run,
    Started,
    Work,
)
from diffroll_live.worker.queue import Worker

logger = logging.getLogger(__name__)


class Runs:
    """All running or waiting work, by serial number."""

    def __init__(
        self, worker: Worker, events: EventRouter, delivery: NoteDelivery, counts: Counts, history: History
    ) -> None:
        self._worker = worker
        self._counts = counts
        self._history = history
        self._events = events
        self._delivery = delivery
        self._active: dict[int, ActiveRun] = {}
        self._silencing: dict[tuple[str, str], list[Callable[[], None]]] = {}  # by client and job
        self._tasks: set[asyncio.Task[None]] = set()
        self._handlers: dict[type[Any], Callable[[ActiveRun, Any], None]] = {
            Started: self._started,
            Progressed: self._progressed,
            Estimated: lambda run, event: run.show(event.estimate),
            Gridded: lambda run, event: run.write_on(event.meter),
            Noted: self._noted,
            Finished: self._finished,
            Failed: self._failed,
        }

    def run(self, client: Client, job: Job, audio: AudioBuffer | None) -> None:
        """Queue a job. Raises errors.Busy, and what ``plan_request`` raises when the job cannot be answered."""
        serial = self._events.next_number()
        audio = self._delivery.placed(audio) if audio is not None else None
        meter = self._delivery.meter(job, audio)
        plan = plan_request(job.request(f"{job.name}#{serial}", audio, meter), self._worker.info.max_seconds)
        job.origin, job.meter = audio.origin if audio is not None else job.settings.delivery.origin, meter
        self._submit(client, job, Run(serial, plan, client.key), job.asked)
        job.request_id = plan.id
        job.result, job.notes = None, {}

    def redecode(self, client: Client, job: Job, threshold: float, min_note: float) -> None:
        """Queue a decoding of a finished job. Raises errors.Busy, errors.UnknownJob."""
        if job.result is None:
            raise UnknownJob(f"The job {job.name!r} has no result to decode again; run it and wait for its end.")
        work = Redecode(self._events.next_number(), job.request_id, threshold, min_note, client.key)
        self._submit(client, job, work, time.monotonic())

    def cancel(self, client: Client, job: Job) -> None:
        """Cancel a job in any state; the client is notified when its notes have ended."""
        self._drop(job)
        job.state = "cancelled"
        key = (client.key, job.name)
        self._silencing.setdefault(key, [])

        def tell() -> None:
            client.send(JobCancelled(job.name))
            for then in self._silencing.pop(key, []):
                then()

        self._delivery.silence(job, tell)

    def when_silent(self, client: Client, name: str, then: Callable[[], None]) -> None:
        """Call ``then`` once no job of this name is being silenced, so that its end is reported before a new start."""
        if (client.key, name) in self._silencing:
            self._silencing[client.key, name].append(then)
        else:
            then()

    def cancel_all(self, client: Client) -> None:
        """Cancel all jobs of a client that are not finished."""
        for job in client.jobs:
            if job.state in ACTIVE:
                self.cancel(client, job)

    def forget(self, client: Client) -> None:
        """Cancel all jobs of a client that is gone."""
        for job in client.jobs:
            self._drop(job)
            self._delivery.silence(job, lambda: None)

    def running_job(self, serials: Iterable[int], client: Client) -> str:
        """Name the first job of a client among those with these serials; empty when there is none."""
        runs = (self._active[serial] for serial in serials if serial in self._active)
        return next((run.job.name for run in runs if run.client is client), "")

    def mute(self) -> None:
        """Stop running jobs from starting notes on the MIDI port; their notes are still sent over OSC."""
        for run in self._active.values():
            run.playback.muted = True

    def send_again(self, client: Client, job: Job) -> None:
        """Send the notes of a finished job once more, and its end."""
        if job.result is None:
            raise UnknownJob(f"The job {job.name!r} has no result yet; wait for its end.")
        notes, result = job.notes, job.result

        async def send() -> None:
            with surviving(f"job {job.name} of {client.key}", partial(client.send_error, job.name)):
                await self._delivery.send_all(client, job, notes.items(), lambda: job.result is result)
                await self._delivery.send_bends(client, job, notes.items(), result.bends, lambda: job.result is result)
                self._delivery.send_pedal(client, job, result.pedal)
                client.send(JobDone(job.name, len(notes), result.seed, 0.0))

        self._spawn(send())

    def follow(self, source: Job, client: Client, job: Job) -> bool:
        """Show a job that waits or runs to another client as ``job``, from its first note on; False if it does not."""
        run = next((run for run in self._active.values() if run.job is source), None)
        if run is None:
            return False
        job.state, job.progress = source.state, source.progress
        run.followers.append((client, job))
        self._delivery.send(client, job, run.notes.items())
        return True

    def _submit(self, client: Client, job: Job, work: Work, asked: float) -> None:
        self._delivery.check(job)
        ahead, superseded = self._worker.submit(work, (client.key, type(work)))
        if superseded is not None:
            self._supersede(superseded)
        run = ActiveRun(client, job, work, asked, Playback(f"{client.key}/{job.name}#{work.serial}"))
        self._active[work.serial] = run
        self._events.follow(work.serial, partial(self._on_event, run))
        job.state, job.progress = "queued", 0.0
        client.send(JobAccepted(job.name, ahead))

    def _supersede(self, serial: int) -> None:
        run = self._active.pop(serial)
        self._events.drop(serial)
        self._end(run, "cancelled")
        run.tell(JobCancelled)

    def _drop(self, job: Job) -> None:
        """Give up all work of a job, and whatever it follows."""
        for serial, run in tuple(self._active.items()):
            run.leave(job)
            if run.job is job:
                del self._active[serial]
                self._events.drop(serial)
                self._worker.cancel(serial)
                self._end(run, "cancelled")
                for client, follower in run.followers:
                    client.send(JobCancelled(follower.name))

    def _end(self, run: ActiveRun, state: State) -> None:
        run.enter(state, run.job.progress)
        self._remember(run, state)

    def _remember(self, run: ActiveRun, state: State) -> None:
        self._counts.jobs[run.task, state] += 1
        self._history.add(run.client, run.job, state, run.asked, run.decoded)

    def _on_event(self, run: ActiveRun, event: Event) -> None:
        with self._guarding(run):
            self._handlers[type(event)](run, event)

    def _guarding(self, run: ActiveRun) -> AbstractContextManager[None]:
        """Let a failure in here end this run, whose client is told, and nothing else."""
        return surviving(f"job {run.job.name} of {run.client.key}", partial(self._give_up, run))

    def _give_up(self, run: ActiveRun, error: DiffrollError) -> None:
        serial = run.work.serial
        if serial in self._active:
            self._events.drop(serial)
            self._failed(run, Failed(serial, error))
            self._worker.cancel(serial)

    def _started(self, run: ActiveRun, _: Started) -> None:
        run.enter("running", 0.0)
        self._counts.waits.observe(time.monotonic() - run.asked)

    def _progressed(self, run: ActiveRun, event: Progressed) -> None:
        run.steps = event.steps
        run.enter("running", event.step / max(1, event.steps))
        run.tell(lambda name: JobProgress(name, event.step, event.steps))

    def _noted(self, run: ActiveRun, event: Noted) -> None:
        delivery = run.job.settings.delivery
        if not run.notes:
            self._counts.first_notes.observe(time.monotonic() - run.asked)
        notes = [item for item in event.notes if run.notes.get((item.variation, item.index)) != item.note]
        new = [item for item in notes if (item.variation, item.index) not in run.notes]
        changed = {(item.variation, item.index): item.note for item in notes}
        run.replaced = run.replaced or len(new) < len(changed)
        run.notes.update(changed)
        for client, job in run.audience():
            self._delivery.send(client, job, changed.items())
        if delivery.deliver != "osc" and delivery.when != "never" and not run.bends:
            self._sound(run, new)

    def _sound(self, run: ActiveRun, notes: list[StreamedNote]) -> None:
        """Play the new notes of the first variation; one that was handed to MIDI before is not started twice."""
        first = [item.note for item in notes if item.variation == 0]
        self._delivery.sound(run.client, run.job, run.playback, first)

    def _finished(self, run: ActiveRun, event: Finished) -> None:
        self._spawn(self._conclude(run, event.result))

    async def _conclude(self, run: ActiveRun, result: Result) -> None:
        """Send what is left, save, and report that the job is done, unless it is cancelled in the meantime."""
        with self._guarding(run):
            await self._send_rest(run, result)

    async def _send_rest(self, run: ActiveRun, result: Result) -> None:
        client, job, serial = run.client, run.job, run.work.serial
        run.take(result)
        for other, mirror in tuple(run.audience()):
            notes = run.notes.items()
            if run.moved:
                await self._delivery.send_all(other, mirror, notes, lambda: serial in self._active)
            await self._delivery.send_bends(other, mirror, notes, result.bends, lambda: serial in self._active)
        if serial in self._active:
            await self._delivery.save(client, job, result)
        if self._active.pop(serial, None) is None:
            return
        run.finish(result)
        for other, mirror in run.audience():
            self._delivery.send_pedal(other, mirror, result.pedal)
        latency = time.monotonic() - run.asked
        self._counts.totals.observe(latency)
        run.tell(lambda name: JobDone(name, len(run.notes), result.seed, 1000.0 * latency))
        self._remember(run, "done")
        self._play_improved(run)
        self._press(run, result)
        about = (job.task, job.name, client.key, len(run.notes), latency, result.timings)
        logger.info("%s %s of %s: %d notes in %.3f s, %s", *about)

    def _press(self, run: ActiveRun, result: Result) -> None:
        """Play the pedal below the notes that this run has played; or now all of them, where notes may bend."""
        delivery = run.job.settings.delivery
        if delivery.deliver == "osc" or delivery.when == "never" or not isinstance(run.work, Run):
            return
        if run.bends:
            self._delivery.sound(run.client, run.job, run.playback, result.variations[0], result.bends)
        if run.job.owner == run.playback.owner:
            self._delivery.press(run.client, run.job, run.playback, result.pedal)

    def _play_improved(self, run: ActiveRun) -> None:
        """Place the final notes on the DAW's timeline, where others were placed before."""
        delivery = run.job.settings.delivery
        improved = run.moved or (run.replaced and not run.bends)
        if improved and delivery.when == "transport" and delivery.deliver != "osc" and not run.playback.muted:
            self._delivery.replay(run.client, run.job)

    def _failed(self, run: ActiveRun, event: Failed) -> None:
        del self._active[run.work.serial]
        cancelled = isinstance(event.error, Cancelled)
        self._end(run, "cancelled" if cancelled else "failed")

        def tell() -> None:
            if cancelled:
                run.tell(JobCancelled)
                return
            for client, job in run.everyone():
                client.send_error(job.name, event.error)

        self._delivery.silence(run.job, tell)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
