"""Creates, changes, runs and cancels jobs, with the one-message forms. `delivery` sends their notes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from diffroll_live.errors import DiffrollError
from diffroll_live.limits import set_option
from diffroll_live.osc import job_messages as m
from diffroll_live.server.audio.handlers import AudioHandlers
from diffroll_live.server.clients import Client
from diffroll_live.server.job import ACTIVE, Job
from diffroll_live.server.jobs.delivery import NoteDelivery
from diffroll_live.server.jobs.grid import tell_changes
from diffroll_live.server.jobs.runs import Runs
from diffroll_live.types import NoteEvent, Region


class JobHandlers:
    """Handles every ``/diffroll/job`` message and the one-message forms."""

    def __init__(self, audio: AudioHandlers, runs: Runs, delivery: NoteDelivery) -> None:
        self._audio = audio
        self._runs = runs
        self._delivery = delivery
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            m.JobNew: self._new,
            m.JobRegion: self._region,
            m.JobRegionSet: lambda client, message: client.jobs[message.job].set_region(
                message.region, message.key, message.value
            ),
            m.JobNote: self._note,
            m.JobTempo: self._tempo,
            m.JobTempoForget: lambda client, message: client.jobs[message.job].tempi.clear(),
            m.JobGridQuery: lambda client, message: tell_changes(client, client.jobs[message.job]),
            m.JobSet: self._set,
            m.JobRun: lambda client, message: self._run(client, client.jobs[message.job]),
            m.JobCancel: lambda client, message: self._runs.cancel(client, client.jobs[message.job]),
            m.JobRedecode: self._redecode,
            m.JobPlay: lambda client, message: delivery.play(client, client.jobs[message.job], message.variation),
            m.JobNotes: lambda client, message: runs.send_again(client, client.jobs[message.job]),
            m.Transcribe: lambda client, message: self._make_and_run(client, message.job, "transcribe", message.buffer),
            m.Inpaint: self._inpaint,
            m.Continue: self._continue,
            m.Generate: self._generate,
        }

    def _new(self, client: Client, message: m.JobNew) -> None:
        self._make(client, message.job, message.task, message.buffer)

    def _region(self, client: Client, message: m.JobRegion) -> None:
        region = Region(message.t0, message.t1, message.low, message.high, message.hear)
        client.jobs[message.job].add_region(region)

    def _note(self, client: Client, message: m.JobNote) -> None:
        note = NoteEvent(message.t, message.t + message.duration, message.pitch, message.velocity)
        client.jobs[message.job].add_note(note, locked=message.locked)

    def _tempo(self, client: Client, message: m.JobTempo) -> None:
        signature = (message.numerator, message.denominator) if message.numerator or message.denominator else None
        beat = None if math.isnan(message.beat) else message.beat
        client.jobs[message.job].add_tempo(message.t, message.bpm, signature, beat)

    def _set(self, client: Client, message: m.JobSet) -> None:
        job = client.jobs[message.job]
        job.settings = set_option(job.settings, message.key, message.value)

    def _redecode(self, client: Client, message: m.JobRedecode) -> None:
        job = client.jobs[message.job]
        settings = set_option(job.settings, "threshold", message.threshold)
        settings = set_option(settings, "min_note", message.min_note)
        self._runs.redecode(client, job, message.threshold, message.min_note)
        job.settings = settings

    def _inpaint(self, client: Client, message: m.Inpaint) -> None:
        region = Region(message.t0, message.t1, message.low, message.high)
        self._make_and_run(client, message.job, "inpaint", message.buffer, lambda job: job.add_region(region))

    def _continue(self, client: Client, message: m.Continue) -> None:
        self._make_and_run(
            client, message.job, "continue", message.buffer, lambda job: _set_seconds(job, message.seconds)
        )

    def _generate(self, client: Client, message: m.Generate) -> None:
        self._make_and_run(client, message.job, "generate", "", lambda job: _set_seconds(job, message.seconds))

    def _make_and_run(
        self, client: Client, name: str, task: str, buffer: str, prepare: Callable[[Job], None] = lambda _: None
    ) -> None:
        job = self._make(client, name, task, buffer)
        prepare(job)
        self._run(client, job)

    def _make(self, client: Client, name: str, task: str, buffer: str) -> Job:
        older = client.jobs.get(name)
        job = client.jobs.add(name, task, buffer)
        if older is not None and older.state in ACTIVE:
            self._runs.cancel(client, older)
        elif older is not None:
            self._delivery.silence(older, lambda: None)
        return job

    def _run(self, client: Client, job: Job) -> None:
        job.asked = time.monotonic()
        if job.state in ACTIVE:
            self._runs.cancel(client, job)
        self._runs.when_silent(client, job.name, partial(self._start, client, job, job.asked))

    def _start(self, client: Client, job: Job, asked: float) -> None:
        """Queue a job, or let it wait for its buffer to be read. Errors go to the client from here."""
        if job.asked != asked:
            return  # run again in the meantime
        try:
            audio = self._audio.get(client, job.buffer) if job.buffer else None
            if job.buffer and audio is None:
                job.state = "waiting"
                self._audio.wait(client, job.buffer, partial(self._buffer_is_there, client, job, asked))
            else:
                self._runs.run(client, job, None if job.task == "generate" else audio)
        except DiffrollError as error:
            client.send_error(job.name, error)

    def _buffer_is_there(self, client: Client, job: Job, asked: float, error: DiffrollError | None) -> None:
        if job.state != "waiting" or job.asked != asked:
            return  # cancelled, or run again, in the meantime
        job.state = "new" if error is None else "failed"
        if error is None:
            self._start(client, job, asked)
        else:
            client.send_error(job.name, error)


def _set_seconds(job: Job, seconds: float) -> None:
    job.settings = set_option(job.settings, "seconds", seconds)
