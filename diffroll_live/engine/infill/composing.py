"""Regions that are written by the composer, a few bars at a time, each with the music on both sides of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from diffroll_live.composer.network import Composer
from diffroll_live.composer.samplers import WRITERS
from diffroll_live.engine.infill.context import Span, Surroundings
from diffroll_live.engine.infill.placement import Placement, place
from diffroll_live.engine.infill.wishes import ALONE, AMID_MUSIC, bounded, shortest_seconds, writing_options
from diffroll_live.engine.plan import EnginePlan
from diffroll_live.engine.progress import Progress
from diffroll_live.limits import Controls
from diffroll_live.meter.meter_map import Bar, MeterMap
from diffroll_live.model.roll_targets import NoteArray, to_array, to_notes
from diffroll_live.music.plan import STEPS_PER_BEAT
from diffroll_live.music.regions import fit, holds, spans_of
from diffroll_live.turn_types import Paused
from diffroll_live.types import NoteEvent, Region

MOST_STEPS = 208  # of a passage, as in training
PIECE_STEPS = 96  # of what is written at once
USUAL_DENSITY = 3.7  # notes a beat, where there is nothing around
FEWEST_STEPS = 64  # of a piece that has an end of its own; a shorter one is a part of one
LONGEST_RING = 60.0  # s after a piece in which a known note may end one that is written
EXPECTED_EVALUATIONS = 60  # of a piece, for a progress bar


@dataclass(frozen=True, slots=True)
class Piece:
    """What is written at once: the part of ``regions`` in [begin, end) s, and the bars that are looked at.

    The regions have the same controls. ``alone``: no music is known around them.
    """

    begin: float
    end: float
    bars: tuple[Bar, ...]
    regions: tuple[Region, ...]
    alone: bool

    @property
    def controls(self) -> Controls:
        """How its notes are to be."""
        return self.regions[0].controls

    def holes(self) -> tuple[Region, ...]:
        """Its part of the regions."""
        return tuple(
            replace(region, onset=max(region.onset, self.begin), offset=min(region.offset, self.end))
            for region in self.regions
            if region.onset < self.end and region.offset > self.begin
        )


def compose(
    plan: EnginePlan,
    composer: Composer,
    meter: MeterMap,
    progress: Progress,
    around: Surroundings,
    transcribed: Sequence[Sequence[NoteEvent]],
) -> Paused[list[list[NoteEvent]]]:
    """Write into the plan's infilled regions, streaming notes as they are decided; those of each variation.

    transcribed: what each variation has of the regions that are heard; it is there before anything is written.
    Others may have a turn after every note.
    """
    pieces = pieces_of(meter, plan.infilled, around)
    left = plan.request.options.variations * len(pieces)
    written: list[list[NoteEvent]] = []
    for variation in range(plan.request.options.variations):
        written.append([])
        known = _joined(around.notes, transcribed[variation])
        for number, piece in enumerate(pieces):
            progress.total = progress.done + left * EXPECTED_EVALUATIONS
            placement = place_piece(plan, meter, pieces[number:], known)
            earlier = [note for note in written[-1] if any(holds(region, note) for region in piece.regions)]
            new = yield from _write(plan, composer, piece, placement, progress, known, earlier, (variation, number))
            written[-1].extend(new)
            known = _joined(known, new)
            left -= 1
    return written


def _joined(known: NoteArray, new: Sequence[NoteEvent]) -> NoteArray:
    """Rows of known and new notes, sorted by onset."""
    rows = np.concatenate([known, to_array(new)])
    return rows[np.argsort(rows[:, 0], kind="stable")]


def _write(
    plan: EnginePlan,
    composer: Composer,
    piece: Piece,
    placement: Placement,
    progress: Progress,
    known: NoteArray,
    earlier: Sequence[NoteEvent],
    which: tuple[int, int],
) -> Paused[list[NoteEvent]]:
    """Write one piece of a variation; ``which`` are the numbers of both, ``earlier`` what its regions have already."""
    options, until, controls = plan.request.options, plan.request.until, piece.controls
    seed = [options.seed, *which]
    rng = np.random.default_rng([*seed, 1])
    around = to_notes(known[(known[:, 1] > placement.time[0]) & (known[:, 0] < placement.time[-1] + LONGEST_RING)])
    boldness = ALONE if piece.alone else AMID_MUSIC[plan.writer]
    wishes = writing_options(controls, piece.holes(), placement, until, boldness)
    written: list[NoteEvent] = []
    late, last = 0.0, -1
    rows = WRITERS[plan.writer](composer, placement.passage, wishes, seed, plan.writing_steps, progress.advanced)
    while True:
        with progress.timed("sample"):
            row = next(rows, None)
        if row is None:
            return written
        if row[0] != last:
            late, last = placement.lateness(rng), row[0]
        others = (*around, *written)
        event = _released(placement.event(row, rng, late), others, placement.room(row[0]))
        voiced = bounded(event, controls, placement.meter, (*earlier, *written))
        least = shortest_seconds(event, controls, placement.meter)
        new = fit(voiced, piece.regions, others, max(options.min_note, least), until)
        written.extend(new)
        progress.wrote(which[0], new)
        yield None


def _released(event: NoteEvent, others: Sequence[NoteEvent], room: float) -> NoteEvent:
    """Strike a key as soon as it is released, if one of the others still holds it for ``room`` seconds at most."""
    held = [n.offset for n in others if n.pitch == event.pitch and n.onset < event.onset < n.offset]
    until = max(held, default=event.onset)
    return replace(event, onset=until) if until - event.onset <= room else event


def place_piece(plan: EnginePlan, meter: MeterMap, pieces: Sequence[Piece], known: NoteArray) -> Placement:
    """Place the first of the ``pieces`` that are left; say whether the music begins or ends with it, and how dense."""
    piece = pieces[0]
    holes = tuple(hole for left in pieces for hole in left.holes())
    locked = to_array(plan.request.locked)
    placement = place(meter, piece.bars, holes, (piece.begin, piece.end), known, locked)
    passage = placement.passage
    from_nothing = plan.request.audio is None and not plan.request.kept
    density = None
    if from_nothing:
        beats = float((~passage.hidden).all(1).sum()) / STEPS_PER_BEAT
        density = len(passage.notes) / max(beats, 1.0) if len(passage.notes) else USUAL_DENSITY
    last = max(region.offset for region in plan.infilled)
    ends = from_nothing and piece.end >= last - 1e-6 and _steps(meter.bars(0.0, last)) >= FEWEST_STEPS
    passage = replace(
        passage,
        density=density,
        begin=0 if from_nothing and not len(known) else None,
        end=0 if ends else None,
    )
    return replace(placement, passage=passage)


def pieces_of(meter: MeterMap, regions: tuple[Region, ...], around: Surroundings) -> tuple[Piece, ...]:
    """Cut what the regions cover into pieces of a few bars, in the order of time, each with the bars around it.

    A piece has regions of the same controls only; those that lie beside them are written before it or after it.
    These reach no further than the music that is known, and the regions: what nobody knows is not silence.
    """
    pieces: list[Piece] = []
    for controls in dict.fromkeys(region.controls for region in regions):
        own = tuple(region for region in regions if region.controls == controls)
        for span in (Span(*span) for span in spans_of(own)):
            pieces += _pieces(meter, span, _known_with(span, around, meter), own)
    return tuple(sorted(pieces, key=lambda piece: piece.begin))


def _known_with(span: Span, around: Surroundings, meter: MeterMap) -> Span:
    """Where the music is known around a span that is to be written: whole bars, from the first note to the last."""
    found = next((known for known in around.spans if known.begin <= span.begin and span.end <= known.end), None)
    if found is None:
        return span
    onset, offset = around.notes[:, 0], around.notes[:, 1]
    there = (onset >= found.begin) & (onset < found.end)
    if not there.any():
        return span
    begin = meter.first_bar(found.begin) if math.isfinite(found.begin) else -math.inf
    end = meter.last_bar(found.end) if math.isfinite(found.end) else math.inf
    begin, end = max(begin, float(onset[there].min())), min(end, float(offset[there].max()))
    return Span(min(begin, span.begin), max(end, span.end))


def _pieces(meter: MeterMap, span: Span, known: Span, regions: tuple[Region, ...]) -> Iterator[Piece]:
    bars = meter.bars(*span)
    first = 0
    while first < len(bars):
        last = first + 1
        while last < len(bars) and _steps(bars[first : last + 1]) <= PIECE_STEPS:
            last += 1
        start = max(span.begin, float(meter.tempo.positions_at(bars[first].beat)))
        stop = min(span.end, float(meter.tempo.positions_at(bars[last - 1].beat + bars[last - 1].beats)))
        yield Piece(start, stop, _window(meter, bars[first:last], known), regions, known == span)
        first = last


def _window(meter: MeterMap, bars: tuple[Bar, ...], known: Span) -> tuple[Bar, ...]:
    """Bars with as many more on both sides as a passage holds, and as there is music."""
    window = list(bars)
    first, last = meter.tempo.beat_at(known.begin), meter.tempo.beat_at(known.end)
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
