"""The controls of a region as the composer takes them, in steps and ticks, and as its notes obey them, in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from diffroll_live.composer.options import MOST_IN_STEP, WritingOptions
from diffroll_live.composer.passage import Bools
from diffroll_live.composer.vocabulary import DURATIONS, N_KEYS, TICKS_PER_QUARTER
from diffroll_live.engine.infill.placement import Placement, steps_in
from diffroll_live.limits import Controls
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.music.controls import pitches_of
from diffroll_live.music.roll import LOW_PITCH
from diffroll_live.types import NoteEvent, Region

COLDEST = 0.05  # the temperature at the option 0
NUCLEUS = 0.97  # the rest of the probability is wrong notes
LATEST = 0.5  # of its length that a note may wait for a voice


@dataclass(frozen=True, slots=True)
class Boldness:
    """How freely the composer writes.

    temperature: at the option 1. recall: what a figure heard before adds to the logit of its next note.
    """

    temperature: float
    recall: float


#: Of each writer, amid music. Notes that are drawn together cannot hear each other; only the likely ones agree.
AMID_MUSIC = {"note-by-note": Boldness(0.7, 6.0), "thinning": Boldness(0.42, 6.0)}
ALONE = Boldness(1.0, 2.0)  # a piece that hears only itself would go round in circles


def writing_options(
    controls: Controls, holes: Sequence[Region], placement: Placement, until: float, boldness: Boldness
) -> WritingOptions:
    """What the composer is to keep to in ``holes``; no note is to end after ``until`` seconds.

    Unless somebody says how long notes may be, few voices hold them for as many quarters: a single one would otherwise
    be kept by the bass.
    """
    shortest = min(_ticks(controls.shortest, int(DURATIONS[0])), int(DURATIONS[-1]))
    most = controls.polyphony or MOST_IN_STEP
    usual = min(int(DURATIONS[-1]), max(most * TICKS_PER_QUARTER, shortest))
    temperature = 1.0 if controls.temperature is None else controls.temperature
    density = 1.0 if controls.density is None else controls.density
    in_time = _in_time(placement, shortest, until)[:, None]
    is_narrow = controls.range is not None or controls.scale is not None
    return WritingOptions(
        temperature=max(boldness.temperature * temperature, COLDEST),
        nucleus=NUCLEUS,
        recall=boldness.recall * min(density, 1.0 / max(density, 1.0)),  # of another density, a figure is another
        density=density,
        polyphony=most,
        shortest=shortest,
        longest=_ticks(controls.longest, usual),
        keys=_cells(holes, placement, open_only=True) & in_time,
        among=_cells(holes, placement, open_only=False) & in_time if is_narrow else None,
    )


def bounded(note: NoteEvent, controls: Controls, meter: MeterMap, voices: Sequence[NoteEvent]) -> tuple[NoteEvent, ...]:
    """Hold a note as long as it may, from when one of the ``voices`` is free; none where it would come too late."""
    if controls.longest is not None or controls.shortest is not None:
        low = shortest_seconds(note, controls, meter)
        high = _seconds(note.onset, controls.longest, meter) if controls.longest is not None else np.inf
        note = replace(note, offset=note.onset + float(np.clip(note.duration, low, high)))
    if controls.polyphony is None:
        return (note,)
    onset, offset = note.onset, note.offset
    while len(sounding := [v.offset for v in voices if v.onset <= onset < v.offset]) >= controls.polyphony:
        onset = min(sounding)
    for begin in sorted(v.onset for v in voices if onset < v.onset < offset):
        if sum(v.onset <= begin < v.offset for v in voices) >= controls.polyphony:
            offset = begin
            break
    late = onset - note.onset
    return (replace(note, onset=onset, offset=offset),) if late <= LATEST * note.duration and offset > onset else ()


def shortest_seconds(note: NoteEvent, controls: Controls, meter: MeterMap) -> float:
    """How long a note must last at least where it begins, in seconds."""
    return 0.0 if controls.shortest is None else _seconds(note.onset, controls.shortest, meter)


def _seconds(onset: float, quarters: float, meter: MeterMap) -> float:
    return meter.tempo.position_at(meter.tempo.beat_at(onset) + quarters) - onset


def _ticks(quarters: float | None, default: int) -> int:
    return default if quarters is None else max(round(quarters * TICKS_PER_QUARTER), 1)


def _cells(holes: Sequence[Region], placement: Placement, *, open_only: bool) -> Bools:
    """Where notes may begin, or could if there were neither range nor scale: (n_steps, 88)."""
    cells = np.zeros((placement.passage.grid.n_steps, N_KEYS), bool)
    for hole in holes:
        keys = np.zeros(N_KEYS, bool)
        pitches = pitches_of(hole) if open_only else range(hole.low, hole.high + 1)
        keys[[pitch - LOW_PITCH for pitch in pitches]] = True
        cells[steps_in(placement.time[:-1], (hole.onset, hole.offset))] |= keys
    return cells


def _in_time(placement: Placement, ticks: int, until: float) -> Bools:
    """The steps from which a note of so many ticks ends by ``until`` seconds: (n_steps,)."""
    beats = placement.first_beat + (placement.passage.grid.tick + ticks) / TICKS_PER_QUARTER
    return np.asarray(placement.meter.tempo.positions_at(beats) <= until + 1e-6)
