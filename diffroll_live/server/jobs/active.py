"""One piece of work that is running or waits, and everybody who follows it: its own client, and those that watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.picture_types import Estimate
from diffroll_live.server.clients import Client
from diffroll_live.server.history import REDECODE
from diffroll_live.server.job import Job, NoteKey, State
from diffroll_live.server.jobs.delivery import Playback
from diffroll_live.server.jobs.grid import tell_grid
from diffroll_live.server.pictures import send_estimate
from diffroll_live.types import NoteEvent, Result
from diffroll_live.worker.messages import Redecode, Run, Work


@dataclass(slots=True)
class ActiveRun:
    """One piece of work of a job. ``followers`` have jobs of their own that show the same."""

    client: Client
    job: Job
    work: Work
    asked: float  # monotonic s
    playback: Playback
    notes: dict[NoteKey, NoteEvent] = field(default_factory=dict)  # so far
    replaced: bool = False  # a note that was sent before has changed
    moved: bool = False  # all notes are to be sent once more: they were decoded again, or a grid is known now
    steps: int = 0  # evaluations that are expected
    estimates: int = 0  # of its trajectory so far
    followers: list[tuple[Client, Job]] = field(default_factory=list)

    @property
    def task(self) -> str:
        """What is done, for counting."""
        return REDECODE if isinstance(self.work, Redecode) else self.job.task

    @property
    def decoded(self) -> tuple[float, float] | None:
        """The threshold and the shortest note (s) of a decoding; None where notes are sampled."""
        return (self.work.threshold, self.work.min_note) if isinstance(self.work, Redecode) else None

    @property
    def bends(self) -> bool:
        """Whether its notes are played only when all is known of them, since their bends are read last."""
        return isinstance(self.work, Run) and self.work.plan.options.bend == "on"

    def everyone(self) -> tuple[tuple[Client, Job], ...]:
        """Its client and those who follow it, each with a job."""
        return (self.client, self.job), *self.followers

    def audience(self) -> Iterator[tuple[Client, Job]]:
        """Those to whom its notes are sent: not its client, where that wants them on the MIDI port alone."""
        if self.job.settings.delivery.deliver != "midi":
            yield self.client, self.job
        yield from self.followers

    def tell(self, reply: Callable[[str], Any]) -> None:
        """Send to everyone, each under the name of its own job."""
        for client, job in self.everyone():
            client.send(reply(job.name))

    def show(self, estimate: Estimate) -> None:
        """Send a step of the trajectory."""
        step, self.estimates = self.estimates, self.estimates + 1
        for client, job in self.everyone():
            send_estimate(client, job.name, estimate, step, max(self.steps, self.estimates))

    def write_on(self, meter: MeterMap) -> None:
        """Say which bars and beats the notes are on; an estimate moves those that were quantized without it."""
        delivery = self.job.settings.delivery
        self.moved = bool(self.notes) and delivery.quantize is not None and meter.source == "estimated"
        assert isinstance(self.work, Run)
        begin = min(region.onset for region in self.work.plan.regions)
        for client, job in self.everyone():
            job.meter = meter
            tell_grid(client, job, meter, begin)

    def take(self, result: Result) -> None:
        """Take the notes of a result that was only decoded again: all of them are sent anew."""
        if isinstance(self.work, Redecode):
            self.notes = {(v, i): note for v, notes in enumerate(result.variations) for i, note in enumerate(notes)}
            self.moved = True

    def enter(self, state: State, progress: float) -> None:
        """Change the state of everyone's job."""
        for _, job in self.everyone():
            job.state, job.progress = state, progress

    def finish(self, result: Result) -> None:
        """Give everyone's job its result."""
        self.enter("done", 1.0)
        for _, job in self.everyone():
            job.result, job.notes, job.request_id = result, dict(self.notes), self.job.request_id
            job.origin, job.meter = self.job.origin, self.job.meter

    def leave(self, follower: Job) -> None:
        """Let a follower go."""
        self.followers = [pair for pair in self.followers if pair[1] is not follower]
