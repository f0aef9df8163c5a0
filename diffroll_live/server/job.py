"""Jobs: what clients have requested so far. No sockets, no clock, no worker."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from diffroll_live.errors import BadRegion, Busy, RequestError, UnknownJob
from diffroll_live.limits import MAX_KNOWN, MAX_METER_CHANGES, MAX_REGIONS, Value, set_option
from diffroll_live.meter.meter_map import MeterChange, MeterMap, meter_of, next_change
from diffroll_live.music.regions import LAST_SECOND, check_region
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.server.job_settings import PICTURES, JobSettings
from diffroll_live.types import TASKS, AudioBuffer, NoteEvent, Region, Request, Result, Task

State = Literal["new", "waiting", "queued", "running", "done", "failed", "cancelled"]
NoteKey = tuple[int, int]  # variation, index
ACTIVE: frozenset[State] = frozenset({"waiting", "queued", "running"})


@dataclass(slots=True)
class Job:
    """One job of one client. The server moves it from state to state."""

    name: str
    task: Task
    buffer: str  # empty where there is no audio
    regions: list[Region] = field(default_factory=list)
    known: list[NoteEvent] = field(default_factory=list)
    locked: list[NoteEvent] = field(default_factory=list)
    tempi: list[MeterChange] = field(default_factory=list)
    settings: JobSettings = field(default_factory=JobSettings)
    state: State = "new"
    progress: float = 0.0  # 0..1
    asked: float = 0.0  # monotonic s at which it was last started
    request_id: str = ""  # of the last run
    origin: float = 0.0  # s; the DAW position of second 0 of the last run's notes
    meter: MeterMap | None = None  # of the last run, as far as it is known
    result: Result | None = None
    notes: dict[NoteKey, NoteEvent] = field(default_factory=dict)  # as sent
    owner: str = ""  # of its notes in the MIDI queue; empty until there are any
    late: int = 0  # notes that came too late to be played, as reported to the client

    def add_region(self, region: Region) -> None:
        """Add a region. Raises errors.BadRegion for one that no job could write into."""
        if len(self.regions) >= MAX_REGIONS:
            raise BadRegion(f"A job takes at most {MAX_REGIONS} regions; use several jobs.")
        check_region(region)
        self.regions.append(region)

    def set_region(self, index: int, key: str, value: Value) -> None:
        """Set a control of a region, counted from 0. Raises errors.BadRegion and errors.RequestError."""
        if not 0 <= index < len(self.regions):
            raise BadRegion(f"The job has {len(self.regions)} regions, counted from 0; there is no region {index}.")
        region = self.regions[index]
        self.regions[index] = replace(region, controls=set_option(region.controls, key, value))

    def add_note(self, note: NoteEvent, *, locked: bool = False) -> None:
        """Add a note of the user's. Raises errors.RequestError for one that a piano cannot play."""
        if len(self.known) + len(self.locked) >= MAX_KNOWN:
            raise RequestError(f"A job takes at most {MAX_KNOWN} notes; use a shorter range.")
        (self.locked if locked else self.known).append(check_note(note))

    def add_tempo(self, t: float, bpm: float, signature: tuple[int, int] | None, beat: float | None) -> None:
        """Add a change of tempo or signature; None is as before. Raises errors.RequestError for one that cannot be."""
        if len(self.tempi) >= MAX_METER_CHANGES:
            raise RequestError(f"A job takes at most {MAX_METER_CHANGES} changes of tempo; send fewer.")
        self.tempi.append(next_change(self.tempi[-1] if self.tempi else None, t, bpm, signature, beat))

    @property
    def given(self) -> tuple[NoteEvent, ...]:
        """The notes of the user's, in order."""
        return tuple(sorted((*self.known, *self.locked)))

    @property
    def given_meter(self) -> MeterMap | None:
        """The bars and beats that the client sent, if it did."""
        return meter_of(self.tempi, "given") if self.tempi else None

    @property
    def counted_on(self) -> MeterMap | None:
        """The bars and beats that its notes are counted on: those that the client sent last, else those of its run."""
        return self.given_meter or self.meter

    def request(self, request_id: str, audio: AudioBuffer | None, meter: MeterMap | None = None) -> Request:
        """What the job asks for; ``audio`` is its buffer, ``meter`` the bars and beats as far as they are known."""
        known = tuple(sorted(self.known))
        pictures, options = PICTURES[self.settings.delivery.pictures], self.settings.options
        regions, locked = tuple(self.regions), tuple(sorted(self.locked))
        return Request(request_id, self.task, audio, regions, known, options, pictures, meter, locked=locked)


class JobTable:
    """The jobs of one client, oldest first; finished ones make room for new ones."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._jobs: dict[str, Job] = {}

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs.values())

    def __getitem__(self, name: str) -> Job:
        try:
            return self._jobs[name]
        except KeyError:
            raise UnknownJob(f"There is no job {name!r}; create it with /diffroll/job/new.") from None

    def get(self, name: str) -> Job | None:
        """Return a job, or None."""
        return self._jobs.get(name)

    def add(self, name: str, task: str, buffer: str) -> Job:
        """Create a job, replacing an older one of that name.

        Raises errors.RequestError for an unknown task, errors.Busy if all jobs are still active.
        """
        if task not in TASKS:
            raise RequestError(f"There is no task {task!r}; choose {', '.join(TASKS)}.")
        if not buffer and task == "transcribe":
            raise RequestError("The task transcribe needs a buffer; only the other tasks go without.")
        return self.put(Job(name, task, buffer))

    def put(self, job: Job) -> Job:
        """Keep a job, in place of an older one of its name. Raises errors.Busy when all kept jobs are still active."""
        self._jobs.pop(job.name, None)
        self._make_room()
        self._jobs[job.name] = job
        return job

    def _make_room(self) -> None:
        while len(self._jobs) >= self._capacity:
            finished = next((job.name for job in self if job.state not in ACTIVE), None)
            if finished is None:
                raise Busy(f"All {self._capacity} jobs are still active; cancel one.")
            del self._jobs[finished]


def check_note(note: NoteEvent) -> NoteEvent:
    """Return a note if a piano can play it. Raises errors.RequestError."""
    if not LOW_PITCH <= note.pitch <= HIGH_PITCH:
        raise RequestError(f"A note of pitch {note.pitch} is outside {LOW_PITCH} to {HIGH_PITCH}; leave it out.")
    if not 1 <= note.velocity <= 127:
        raise RequestError(f"A note of velocity {note.velocity} is outside 1 to 127.")
    if not (0.0 <= note.onset < note.offset <= LAST_SECOND and math.isfinite(note.offset)):
        raise RequestError(
            f"A note from {note.onset:g} s to {note.offset:g} s is empty or off the axis; clip it to the buffer."
        )
    return note
