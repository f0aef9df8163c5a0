"""The daemon's tasks as an assistant needs them: jobs that are kept, buffers of other clients, everyone's doings."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from diffroll_live.errors import RequestError, UnknownJob
from diffroll_live.mcp.connection import Connection
from diffroll_live.mcp.tiles import Tiles
from diffroll_live.meter.meter_map import NO_METER, MeterMap, Source, steady_meter
from diffroll_live.osc import job_messages as jobs
from diffroll_live.osc import messages as m
from diffroll_live.osc import replies as r
from diffroll_live.osc import watch_messages as w
from diffroll_live.osc import watch_replies as s
from diffroll_live.osc.grid_replies import JobGrid
from diffroll_live.osc.pedal_replies import Pedal
from diffroll_live.osc.standing import Standing
from diffroll_live.osc.status_replies import Status
from diffroll_live.types import Floats, NoteEvent, PedalSpan, Region, Task

KEPT = 32  # jobs; the oldest make room
LOOK_SECONDS = 10.0  # within which the daemon reports what its clients do

Progress = Callable[[int, int], Awaitable[None]]


@dataclass(slots=True)
class Piece:
    """What a job has written: notes by variation and index, and the sustain pedal of all variations."""

    job: str
    task: Task
    regions: tuple[Region, ...] = ()
    notes: dict[tuple[int, int], NoteEvent] = field(default_factory=dict)
    pedal: list[PedalSpan] = field(default_factory=list)
    seed: int = 0
    meter: MeterMap = NO_METER
    saved: str = ""

    def variation(self, number: int) -> list[NoteEvent]:
        """The notes of a variation, in order. Raises errors.RequestError for one that there is not."""
        found = sorted(note for (variation, _), note in self.notes.items() if variation == number)
        if not found and number:
            raise RequestError(f"The job {self.job!r} has no notes in a variation {number}; count from 0.")
        return found


class Studio:
    """One assistant's session with the daemon, which is found again when it was started anew."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._pieces: dict[str, Piece] = {}

    async def daemon(self) -> Connection:
        """Give the connection. Raises errors.TimedOut when no daemon answers."""
        async with self._opening:
            if self._connection is None or not self._connection.is_open:
                self._pieces.clear()  # jobs live as long as the connection
                self._connection = await Connection.open(self._host, self._port, "assistant")
            return self._connection

    async def close(self) -> None:
        """Leave; the daemon ends what still sounds of this session."""
        if self._connection is not None:
            await self._connection.close()

    def piece(self, job: str) -> Piece:
        """Find what a job has written. Raises errors.UnknownJob."""
        if job not in self._pieces:
            known = ", ".join(self._pieces) or "none"
            raise UnknownJob(f"There is no job {job!r}; these are kept: {known}.")
        return self._pieces[job]

    async def look(self) -> dict[str, Any]:
        """Say what the daemon, its clients and the DAW's transport do."""
        daemon = await self.daemon()
        number, seen, begun = daemon.next_number(), [], False

        def hear(reply: Any) -> bool | None:
            nonlocal begun
            if isinstance(reply, s.WatchedTransport) and not begun:
                begun = True
                daemon.post(m.Ping(number), w.Watch(on=False))  # all that is reported now comes before the answer
            if isinstance(reply, Status | s.WatchedTransport | s.WatchedClient | s.WatchedBuffer | s.WatchedJob):
                seen.append(reply)
            return True if reply == r.Pong(number) else None

        await daemon.converse((m.StatusQuery(), w.Watch()), ("/diffroll/watch",), hear, silence=LOOK_SECONDS)
        status = next(reply for reply in seen if isinstance(reply, Status))
        transport = next(reply for reply in seen if isinstance(reply, s.WatchedTransport))
        return {
            "daemon": asdict(daemon.welcome) | {"state": status.state, "queued": status.queued, "load": status.load},
            "transport": asdict(transport),
            "clients": [asdict(each) for each in seen if isinstance(each, s.WatchedClient)],
            "buffers": [asdict(each) for each in seen if isinstance(each, s.WatchedBuffer)],
            "jobs": [asdict(each) for each in seen if isinstance(each, s.WatchedJob)],
            "own_jobs": list(self._pieces),
        }

    @asynccontextmanager
    async def buffer(self, opening: Callable[[str], Any]) -> AsyncIterator[tuple[str, float]]:
        """Make a buffer by a message about its name, and free it at the end; gives its name and length in seconds."""
        daemon, name = await self.daemon(), f"assistant-{next(self._numbers)}"

        def hear(reply: Any) -> float | None:
            return reply.seconds if isinstance(reply, r.AudioReady) and reply.buffer == name else None

        about = (name, "/diffroll/audio/file", "/diffroll/audio/copy")
        try:
            yield name, await daemon.converse((opening(name),), about, hear)
        finally:
            daemon.post(m.AudioFree(name))

    async def run(
        self,
        task: Task,
        buffer: str,
        regions: Iterable[Region],
        options: dict[str, Any],
        progress: Progress,
    ) -> Piece:
        """Run a job to its end and keep it. Cancelled with its caller. Raises the daemon's errors."""
        daemon, job = await self.daemon(), f"piece-{next(self._numbers)}"
        piece = Piece(job, task, tuple(regions), saved=str(options.get("save", "")))
        standing = Standing(job, daemon.next_number())
        steps: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

        def hear(reply: Any) -> Piece | None:
            standing.hear(reply)
            match reply:
                case r.JobProgress(owner, step, total) if owner == job:
                    steps.put_nowait((step, total))
                case JobGrid(owner, source, confidence, bpm, numerator, denominator, bar_at) if owner == job:
                    signature = numerator, denominator
                    piece.meter = steady_meter(bpm, signature, bar_at, cast(Source, source), confidence)
                case r.Note(owner, index, pitch, onset, duration, velocity, variation) if owner == job:
                    piece.notes[variation, index] = NoteEvent(onset, onset + duration, pitch, velocity)
                case Pedal(owner, down, held) if owner == job:
                    piece.pedal.append(PedalSpan(down, down + held))
                case r.JobDone(owner, _, seed, _) if owner == job:
                    piece.seed = seed
                    return piece
            return None

        wanted: list[Any] = [jobs.JobNew(job, task, buffer)]
        wanted += [jobs.JobRegion(job, *_corners(region)) for region in piece.regions]
        wanted += [jobs.JobSet(job, key, value) for key, value in options.items()]
        telling = asyncio.create_task(_tell(steps, progress))
        try:
            done = await daemon.converse((*wanted, jobs.JobRun(job)), (job,), hear)
        except asyncio.CancelledError:
            daemon.post(jobs.JobCancel(job))
            raise
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        self._pieces[job] = done
        while len(self._pieces) > KEPT:
            del self._pieces[next(iter(self._pieces))]
        return done

    async def play(self, job: str, variation: int) -> None:
        """Play a variation on the MIDI port. Raises errors.UnknownJob, errors.PortError."""
        self.piece(job).variation(variation)
        await self._settle(jobs.JobPlay(job, variation), job)

    async def panic(self) -> None:
        """End every note on every port."""
        daemon = await self.daemon()
        await daemon.converse((m.Panic(),), (), lambda reply: isinstance(reply, r.Panicked) or None)

    async def picture(self, message: Any, about: str) -> tuple[Floats, float]:
        """Get a picture, (n_frames, n_rows) in [0, 1], and its frames per second."""
        daemon, tiles = await self.daemon(), Tiles(about)
        return await daemon.converse((message,), (about,), tiles.hear)

    async def _settle(self, message: Any, about: str) -> None:
        """Send a message that is answered by nothing but an error, and wait until it has been carried out."""
        daemon = await self.daemon()
        number = daemon.next_number()
        await daemon.converse((message, m.Ping(number)), (about,), lambda reply: reply == r.Pong(number) or None)


async def _tell(steps: asyncio.Queue[tuple[int, int]], progress: Progress) -> None:
    while True:
        await progress(*await steps.get())


def _corners(region: Region) -> tuple[Any, ...]:
    return region.onset, region.offset, region.low, region.high, region.hear
