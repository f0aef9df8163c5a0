"""What every client does, for those that watch: differences since the last look, and copies of buffers and jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from typing import Any

from diffroll_live.errors import Incomplete, RequestError, UnknownJob
from diffroll_live.osc import watch_messages as w
from diffroll_live.osc.watch_replies import (
    WatchedBuffer,
    WatchedClient,
    WatchedDaemon,
    WatchedError,
    WatchedJob,
    WatchedTransport,
)
from diffroll_live.server.audio.buffers import BufferStore
from diffroll_live.server.buffer import Buffer
from diffroll_live.server.clients import Client, ClientTable
from diffroll_live.server.job import Job
from diffroll_live.server.jobs.grid import tell_grid
from diffroll_live.server.jobs.runs import Runs
from diffroll_live.timeline.timeline import Timeline

Key = tuple[str, ...]
Seen = dict[Key, Any]


class WatchHandlers:
    """Handles ``/diffroll/watch`` and the copies; ``tick`` reports to those who watch."""

    def __init__(
        self,
        clients: ClientTable,
        buffers: BufferStore,
        runs: Runs,
        timeline: Timeline,
        source: str,
        clock: Callable[[], float],
        daemon: Callable[[], WatchedDaemon],
    ) -> None:
        self._clients = clients
        self._buffers = buffers
        self._runs = runs
        self._timeline = timeline
        self._source = source
        self._clock = clock
        self._daemon = daemon
        self._watchers: dict[str, Seen] = {}  # by client key, what each has been sent
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            w.Watch: self._watch,
            w.AudioCopy: self._copy_audio,
            w.JobCopy: self._copy_job,
        }

    def has(self, client: Client) -> bool:
        """Whether a client watches."""
        return client.key in self._watchers

    def tick(self) -> None:
        """Send each watcher what has changed since its last update."""
        clients = {client.key: client for client in self._clients}
        self._watchers = {key: seen for key, seen in self._watchers.items() if key in clients}
        for key, seen in self._watchers.items():
            present = dict(self._reports(clients[key]))
            for about, reply in present.items():
                if seen.get(about) != reply:
                    clients[key].send(reply)
            for about in [about for about in seen if about not in present]:
                if isinstance(seen[about], WatchedClient):
                    clients[key].send(WatchedClient(seen[about].client, seen[about].name, 0))
            self._watchers[key] = present

    def _reports(self, watcher: Client) -> Iterator[tuple[Key, Any]]:
        yield ("transport",), self.transport()
        yield ("daemon",), self._daemon()
        for client in self._clients:
            if client is watcher:
                continue
            yield ("client", client.key), WatchedClient(client.key, client.name, 1)
            for name, buffer in client.buffers.items():
                seconds = buffer.audio.seconds if buffer.audio is not None else 0.0
                yield ("buffer", client.key, name), WatchedBuffer(client.key, name, buffer.state.value, seconds)
            for job in client.jobs:
                notes, seed = len(job.notes), job.result.seed if job.result is not None else 0
                report = WatchedJob(client.key, job.name, job.task, job.buffer, job.state, job.progress, notes, seed)
                yield ("job", client.key, job.name), report
            for number, error in client.errors:
                report_error = WatchedError(client.key, error.about, error.code, error.text)
                yield ("error", client.key, str(number)), report_error

    def transport(self) -> WatchedTransport:
        """The DAW's transport at present."""
        playhead = self._timeline.playhead
        position = playhead.position_at(self._clock())
        tempo = self._timeline.tempo_map.tempo_at(position)
        metre, told = self._timeline.metre, int(self._timeline.is_told)
        return WatchedTransport(self._source, int(playhead.playing), position, tempo, *metre, told)

    def _watch(self, client: Client, message: w.Watch) -> None:
        if message.on:
            self._watchers[client.key] = {}
        else:
            self._watchers.pop(client.key, None)

    def _other(self, key: str) -> Client:
        for client in self._clients:
            if client.key == key:
                return client
        raise RequestError(f"There is no client {key!r}; it may have left.")

    def _copy_audio(self, client: Client, message: w.AudioCopy) -> None:
        audio = self._buffers.find(self._other(message.client), message.source).snapshot(message.source)
        if audio is None:
            raise Incomplete(f"The buffer {message.source!r} is still being read; ask when it is ready.")
        buffer = self._buffers.put(client, message.buffer, Buffer(audio.samples.nbytes))
        self._buffers.finish(client, message.buffer, buffer, audio)

    def _copy_job(self, client: Client, message: w.JobCopy) -> None:
        source = self._other(message.client).jobs[message.source]
        job = _copy(source, message.job)
        follows = self._runs.follow(source, client, job)
        if not follows and source.result is None:
            raise UnknownJob(f"The job {message.source!r} has no result yet; copy it when it is run.")
        client.jobs.put(job)
        if job.meter is not None:
            tell_grid(client, job, job.meter, min((region.onset for region in job.regions), default=0.0))
        if not follows:
            self._runs.send_again(client, job)


def _copy(source: Job, name: str) -> Job:
    """Copy a job with all it was given, but not to where its client wants its notes: they only go to this one."""
    job = copy(source)
    job.name, job.owner, job.late = name, "", 0
    job.regions, job.notes = list(source.regions), dict(source.notes)
    job.known, job.locked, job.tempi = list(source.known), list(source.locked), list(source.tempi)
    delivery = replace(source.settings.delivery, deliver="osc", save="")
    job.settings = replace(source.settings, delivery=delivery)
    return job
