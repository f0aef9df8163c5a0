"""Regions that are written by the composer, a few bars at a time, each with the music on both sides of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from diffroll_live.composer.network import Composer
from diffroll_live.composer.options import WritingOptions
from diffroll_live.composer.samplers import WRITERS
from diffroll_live.engine.infill.placement import Placement, place
from diffroll_live.engine.plan import EnginePlan
from diffroll_live.engine.progress import Progress
from diffroll_live.meter.meter_map import Bar, MeterMap
from diffroll_live.model.roll_targets import NoteArray, to_array, to_notes
from diffroll_live.music.regions import fit
from diffroll_live.types import NoteEvent, Region

MOST_STEPS = 208  # of a passage, as in training
PIECE_STEPS = 96  # of what is written at once
STEPS_PER_BEAT = 4
USUAL_DENSITY = 3.7  # notes a beat, where there is nothing around
TEMPERATURE, COLDEST = 0.9, 0.05  # at the option 1, and at 0
NUCLEUS = 0.97  # the rest of the probability is wrong notes
FEWEST_STEPS = 64  # of a piece that has an end of its own; a shorter one is a part of one
EXPECTED_EVALUATIONS = 60  # of a piece, for a progress bar


@dataclass(frozen=True, slots=True)
class Piece:
    """What is written at once: [begin, end) in seconds, and the bars that are looked at."""

    begin: float
    end: float
    bars: tuple[Bar, ...]


def compose(
    plan: EnginePlan, composer: Composer, meter: MeterMap, progress: Progress, given: NoteArray
) -> list[list[NoteEvent]]:
    """Write into the plan's infilled regions, streaming notes as they are decided; those of each variation.

    given: rows of the notes that surround the regions, on the request's axis.
    """
    pieces = pieces_of(meter, plan.infilled, known_until(plan))
    left = plan.request.options.variations * len(pieces)
    written: list[list[NoteEvent]] = []
    for variation in range(plan.request.options.variations):
        written.append([])
        known = given
        for number, piece in enumerate(pieces):
            progress.total = progress.done + left * EXPECTED_EVALUATIONS
            placement = place_piece(plan, meter, piece, known)
            new = _write(plan, composer, placement, progress, known, (variation, number))
            written[-1].extend(new)
            known = np.concatenate([known, to_array(new)])
            known = known[np.argsort(known[:, 0], kind="stable")]
            left -= 1
    return written


def _write(
    plan: EnginePlan,
    composer: Composer,
    placement: Placement,
    progress: Progress,
    known: NoteArray,
    which: tuple[int, int],
) -> list[NoteEvent]:
    """Write one piece of a variation; ``which`` are the numbers of both."""
    options = plan.request.options
    seed = [options.seed, *which]
    rng = np.random.default_rng([*seed, 1])
    begin, end = placement.time[0], placement.time[-1]
    around = to_notes(known[(known[:, 1] > begin) & (known[:, 0] < end)])
    wishes = WritingOptions(temperature=max(TEMPERATURE * options.temperature, COLDEST), nucleus=NUCLEUS)
    written: list[NoteEvent] = []
    late, last = 0.0, -1
    draw = WRITERS[plan.writer]
    for row in draw(composer, placement.passage, wishes, seed, plan.writing_steps, progress.advanced):
        if row[0] != last:
            late, last = placement.lateness(rng), row[0]
        new = fit([placement.event(row, rng, late)], plan.infilled, (*around, *written), options.min_note)
        written.extend(new)
        progress.send(which[0], new)
    return written


def place_piece(plan: EnginePlan, meter: MeterMap, piece: Piece, known: NoteArray) -> Placement:
    """Place a piece; say whether the music begins or ends with it, and how dense it is to be."""
    holes = tuple(
        replace(hole, onset=max(hole.onset, piece.begin)) for hole in plan.infilled if hole.offset > piece.begin
    )
    placement = place(meter, piece.bars, holes, (piece.begin, piece.end), known)
    passage, factor = placement.passage, plan.request.options.density
    from_nothing = plan.request.audio is None and not plan.request.kept
    density = None
    if factor != 1.0 or from_nothing:
        beats = float((~passage.hidden).all(1).sum()) / STEPS_PER_BEAT
        density = factor * (len(passage.notes) / max(beats, 1.0) if len(passage.notes) else USUAL_DENSITY)
    last = max(region.offset for region in plan.infilled)
    ends = from_nothing and piece.end >= last - 1e-6 and _steps(meter.bars(0.0, last)) >= FEWEST_STEPS
    passage = replace(
        passage,
        density=density,
        begin=0 if from_nothing and not len(known) else None,
        end=0 if ends else None,
    )
    return replace(placement, passage=passage)


def known_until(plan: EnginePlan) -> float:
    """Where what is known of the music ends, in seconds: with its audio, or with its last note."""
    audio = plan.request.audio.seconds if plan.request.audio is not None else 0.0
    return max([audio, *(note.offset for note in plan.request.kept)])


def pieces_of(meter: MeterMap, regions: tuple[Region, ...], known_end: float) -> tuple[Piece, ...]:
    """Cut what the regions cover into pieces of a few bars, in the order of time.

    The bars around a piece reach no further than the music that is known, from 0 to ``known_end`` seconds, and the
    regions: what nobody knows is not silence.
    """
    end = max([known_end, *(region.offset for region in regions)])
    return tuple(piece for span in covered(regions) for piece in _pieces(meter, *span, end))


def covered(regions: tuple[Region, ...]) -> list[tuple[float, float]]:
    """The spans that regions cover, in seconds, merged where they overlap."""
    spans: list[tuple[float, float]] = []
    for region in sorted(regions, key=lambda r: r.onset):
        if spans and region.onset < spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], region.offset)
        else:
            spans.append((region.onset, region.offset))
    return spans


def _pieces(meter: MeterMap, begin: float, end: float, known_end: float) -> Iterator[Piece]:
    bars = meter.bars(begin, end)
    first = 0
    while first < len(bars):
        last = first + 1
        while last < len(bars) and _steps(bars[first : last + 1]) <= PIECE_STEPS:
            last += 1
        start = max(begin, float(meter.tempo.positions_at(bars[first].beat)))
        stop = min(end, float(meter.tempo.positions_at(bars[last - 1].beat + bars[last - 1].beats)))
        yield Piece(start, stop, _window(meter, bars[first:last], known_end))
        first = last


def _window(meter: MeterMap, bars: tuple[Bar, ...], known_end: float) -> tuple[Bar, ...]:
    """Bars with as many more on both sides as a passage holds, and as there is music."""
    window = list(bars)
    first, last = meter.tempo.beat_at(0.0), meter.tempo.beat_at(known_end)
    while True:
        around = []
        if window[0].beat > first + 1e-3:
            around.append(meter.bar_at(window[0].beat - 1e-3))
        if window[-1].beat + window[-1].beats < last - 1e-3:
            around.append(meter.bar_at(window[-1].beat + window[-1].beats))
        if not around or _steps((*window, *around)) > MOST_STEPS:
            return tuple(window)
        window = sorted([*around, *window], key=lambda bar: bar.beat)


def _steps(bars: Iterable[Bar]) -> int:
    """How many steps bars take, without triplets."""
    return math.ceil(sum(bar.beats for bar in bars) * STEPS_PER_BEAT)
