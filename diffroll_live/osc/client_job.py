"""A job as a client sees it: the messages that describe a request, the bars it is written on, its result."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from diffroll_live.errors import ProtocolError
from diffroll_live.limits import CONTROLS, REQUEST, Controls, Option, Value
from diffroll_live.meter.meter_map import MeterChange, MeterMap, Source, meter_of
from diffroll_live.music.pedal import with_heard
from diffroll_live.music.plan import plan_request
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.osc import job_messages as jobs
from diffroll_live.osc.grid_replies import JobGrid, JobGridChange
from diffroll_live.types import Bend, NoteEvent, Options, PedalSpan, Request, Result, Timings


class GridReader:
    """Reads the bars and beats of a job: those that its request ``given``, or else all that the daemon tells."""

    def __init__(self, job: str, given: MeterMap | None) -> None:
        self._job, self._given = job, given
        self._grid: JobGrid | None = None
        self._rows: list[MeterChange] = []
        self.is_awaited = False  # more is to come

    def begin(self, grid: JobGrid) -> jobs.JobGridQuery | None:
        """Take the first word about them; returns the question for the rest, None where nothing else is needed."""
        self._grid, self._rows = grid, []
        self.is_awaited = self._given is None
        return jobs.JobGridQuery(self._job) if self.is_awaited else None

    def take(self, change: JobGridChange) -> None:
        """Take a change."""
        self._rows.append(MeterChange(change.t, change.bpm, change.numerator, change.denominator, change.beat))
        self.is_awaited = len(self._rows) < change.count

    @property
    def meter(self) -> MeterMap:
        """The bars and beats. Raises errors.ProtocolError before they have been read."""
        if self._given is not None:
            return self._given
        if self._grid is None or not self._rows:
            raise ProtocolError("The daemon sent changes of a grid before the grid; update it.")
        meter = meter_of(self._rows, cast(Source, self._grid.source))
        return replace(meter, confidence=self._grid.confidence)


def job_messages(job: str, buffer: str, request: Request) -> Iterator[Any]:
    """Give the messages that describe a request, option by option."""
    yield jobs.JobNew(job, request.task, buffer)
    for region in request.regions:
        yield jobs.JobRegion(job, region.onset, region.offset, region.low, region.high, region.hear)
    for number, region in enumerate(request.regions):
        for key, value in _chosen(region.controls):
            yield jobs.JobRegionSet(job, number, key, value)
    for locked, notes in ((False, request.known), (True, request.locked)):
        for note in filter(_is_sent, notes):
            yield jobs.JobNote(job, note.pitch, note.onset, note.duration, note.velocity, locked)
    for change in request.meter.changes() if request.meter is not None else ():
        yield jobs.JobTempo(job, change.t, change.bpm, change.numerator, change.denominator, change.beat)
    for key, value in _chosen(request.options, REQUEST):
        yield jobs.JobSet(job, key, value)
    yield jobs.JobSet(job, "deliver", "osc")
    yield jobs.JobRun(job)


def _chosen(settings: Options | Controls, table: Mapping[str, Option] = CONTROLS) -> Iterator[tuple[str, Value]]:
    """The options of a table that are set, as they are sent."""
    for key, option in table.items():
        value = getattr(settings, key)
        if value is not None:
            yield key, option.write(value)


def _is_sent(note: NoteEvent) -> bool:
    """Whether the daemon takes a known note: others, such as key switches, are kept here alone."""
    return LOW_PITCH <= note.pitch <= HIGH_PITCH


def result_of(
    request: Request,
    notes: dict[tuple[int, int], NoteEvent],
    pedal: list[PedalSpan],
    points: dict[tuple[int, int], list[tuple[float, float]]],
    seed: int,
    seconds: float,
) -> Result:
    """Put the kept notes in place of what came back of them, since OSC has no channels and rounds times."""
    plan = plan_request(request, math.inf)
    kept = plan.kept
    variations = []
    for number in range(request.options.variations):
        returned = Counter(_as_sent(note) for note in kept if _is_sent(note))
        new = []
        for note in (note for (variation, _), note in notes.items() if variation == number):
            returned[_as_sent(note)] -= 1
            if returned[_as_sent(note)] < 0:
                new.append(note)
        variations.append(tuple(sorted([*kept, *new])))
    bends = {notes[key]: Bend(notes[key], tuple(row)) for key, row in points.items() if key in notes}
    bends |= {bend.note: bend for bend in plan.bends}
    return Result(
        request.id,
        tuple(variations),
        seed,
        Timings(total=seconds),
        pedal=with_heard(plan, pedal),
        bends=tuple(sorted(bends.values())),
    )


def _as_sent(note: NoteEvent) -> tuple[float, int, int]:
    """What OSC keeps of a note."""
    (onset,) = struct.unpack(">f", struct.pack(">f", note.onset))
    return onset, note.pitch, note.velocity
