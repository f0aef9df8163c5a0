"""Seconds to steps and back: notes keep their places, timing and loudness, whatever the tempo does."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from diffroll_live.engine.infill.composing import Piece, _released, pieces_of
from diffroll_live.engine.infill.context import Span, Surroundings
from diffroll_live.engine.infill.placement import has_triplets, place
from diffroll_live.meter.meter_map import MeterChange, MeterMap, meter_of, steady_meter
from diffroll_live.types import NoteEvent, Region

STEADY = steady_meter(120.0)  # a bar is two seconds, a step an eighth of one
RAMP = meter_of([MeterChange(0.0, 60.0), MeterChange(4.0, 120.0, beat=4.0), MeterChange(8.0, 90.0, beat=12.0)], "given")
HOLE = Region(2.0, 4.0)


def bars(meter: MeterMap, begin: float, end: float):
    return meter.bars(begin, end)


def scale(meter: MeterMap, begin: float, end: float, *, late: float = 0.0, velocity: int = 70) -> np.ndarray:
    """A note on every quarter."""
    beats = np.arange(np.ceil(float(meter.tempo.beat_at(begin))), float(meter.tempo.beat_at(end)))
    onset, offset = meter.tempo.positions_at(beats) + late, meter.tempo.positions_at(beats + 0.5)
    return np.stack([onset, offset, 60 + np.arange(len(beats)) % 12, np.full(len(beats), velocity)], 1)


@pytest.mark.parametrize("meter", [STEADY, RAMP], ids=["steady", "ramp"])
def test_written_notes_lie_on_the_beats_of_the_map(meter: MeterMap):
    placed = place(meter, bars(meter, 0.0, 8.0), (HOLE,), (2.0, 4.0), scale(meter, 0.0, 8.0)[:0])
    rng = np.random.default_rng(0)
    for step in np.flatnonzero(placed.passage.hidden.any(1)):
        note = placed.event((int(step), 39, 24, 0), rng, 0.0)
        beat = placed.passage.grid.tick[step] / 24 + placed.first_beat
        assert note.onset == pytest.approx(float(meter.tempo.position_at(beat)))
        assert note.offset == pytest.approx(float(meter.tempo.position_at(beat + 1)))
        assert 2.0 <= note.onset < 4.0
        assert note.pitch == 60


def test_known_notes_lie_on_their_steps_and_never_in_the_hole():
    given = scale(STEADY, 0.0, 8.0, late=0.01)
    given = given[(given[:, 0] < 2.0) | (given[:, 0] >= 4.0)]
    given = np.vstack([given, [1.99, 2.4, 90, 80]])  # struck just before the hole, nearest to its first step
    given = given[np.argsort(given[:, 0])]
    placed = place(STEADY, bars(STEADY, 0.0, 8.0), (HOLE,), (2.0, 4.0), given)
    notes = placed.passage.notes
    assert not placed.passage.is_hidden().any()
    assert set((notes[notes[:, 1] != 69, 0] % 4).tolist()) == {0}
    assert notes[notes[:, 1] == 69, 0].tolist() == [15]


def test_what_is_written_is_as_late_and_as_loud_as_what_is_around():
    placed = place(STEADY, bars(STEADY, 0.0, 8.0), (HOLE,), (2.0, 4.0), scale(STEADY, 4.0, 8.0, late=0.02, velocity=33))
    rng = np.random.default_rng(0)
    note = placed.event((16, 39, 24, 90), rng, placed.lateness(rng))
    assert note.onset == pytest.approx(2.02)
    assert note.velocity == 33, "somebody typed it"


def test_typed_velocities_say_nothing_to_the_composer_and_played_ones_do():
    typed = scale(STEADY, 4.0, 8.0)
    assert not place(STEADY, bars(STEADY, 0.0, 8.0), (HOLE,), (2.0, 4.0), typed).passage.notes[:, 3].any()
    played = typed.copy()
    played[:, 3] += 4 * np.arange(len(played))
    assert place(STEADY, bars(STEADY, 0.0, 8.0), (HOLE,), (2.0, 4.0), played).passage.notes[:, 3].all()


def test_what_is_written_between_two_steps_is_not_late():
    between = scale(STEADY, 4.0, 8.0, late=0.0624)  # of steps of 0.125 s
    assert not len(place(STEADY, bars(STEADY, 0.0, 8.0), (HOLE,), (2.0, 4.0), between).residual)


def test_a_hole_between_two_steps_gets_the_nearer():
    placed = place(STEADY, bars(STEADY, 0.0, 4.0), (Region(1.03, 1.06),), (1.03, 1.06), scale(STEADY, 0.0, 1.0))
    assert placed.passage.hidden.any(1).sum() == 1


def test_locked_notes_stay_in_the_hole_and_say_nothing_of_loudness():
    own, locked = scale(STEADY, 0.0, 2.0, velocity=33), scale(STEADY, 0.0, 4.0, velocity=120)
    locked[:, 2] += 24
    given = np.vstack([own, locked])
    given = given[np.argsort(given[:, 0], kind="stable")]
    placed = place(STEADY, bars(STEADY, 0.0, 8.0), (HOLE,), (2.0, 4.0), given, locked)
    notes, hidden = placed.passage.notes, placed.passage.hidden
    assert len(notes) == len(given)
    assert not placed.passage.is_hidden().any()
    assert hidden.sum() == 16 * 88 - 4, "every cell but those of the four locked notes"
    assert set(placed.velocities.tolist()) == {33.0}


def test_only_the_pitches_of_a_region_are_hidden():
    placed = place(
        STEADY, bars(STEADY, 0.0, 8.0), (replace(HOLE, low=60, high=72),), (2.0, 4.0), scale(STEADY, 0.0, 2.0)
    )
    assert np.flatnonzero(placed.passage.hidden.any(0)).tolist() == list(range(39, 52))


def test_triplets_are_told_from_sixteenths_as_they_are_played():
    rng = np.random.default_rng(0)
    played = rng.normal(0, 0.5, 24)
    assert has_triplets(np.arange(24) * 8 + played)
    assert not has_triplets(np.arange(24) * 6 + played)
    assert not has_triplets(np.zeros(0))


def test_notes_are_held_as_those_around_and_no_longer_than_until_their_key_is_free():
    around = scale(STEADY, 4.0, 8.0)
    around[:, 1] = around[:, 0] + 0.9 * 0.25  # of an eighth
    placed = place(STEADY, bars(STEADY, 0.0, 8.0), (HOLE,), (2.0, 4.0), around)
    note = placed.event((16, 39, 12, 0), np.random.default_rng(0), 0.0)
    assert note.duration == pytest.approx(0.9 * 0.25)
    around[:, 1] = around[:, 0] + 1.1 * 0.25
    placed = place(STEADY, bars(STEADY, 0.0, 8.0), (HOLE,), (2.0, 4.0), around)
    assert placed.event((16, 39, 12, 0), np.random.default_rng(0), 0.01).offset == pytest.approx(2.25)


def test_each_length_is_held_as_notes_of_that_length_are():
    around = scale(STEADY, 4.0, 8.0)
    around[:, 1] = around[:, 0] + np.where(np.arange(len(around)) % 2, 0.8 * 0.25, 0.95 * 0.5)
    placed = place(STEADY, bars(STEADY, 0.0, 8.0), (HOLE,), (2.0, 4.0), around)
    rng = np.random.default_rng(0)
    for ticks, seconds in ((12, 0.8 * 0.25), (24, 0.95 * 0.5)):
        durations = {round(placed.event((16, 39, ticks, 0), rng, 0.0).duration, 6) for _ in range(20)}
        assert durations == {round(seconds, 6)}


@pytest.mark.parametrize("late", [-0.05, 0.05])
def test_no_note_of_a_hole_begins_outside_it(late: float):
    around = scale(STEADY, 4.0, 8.0, late=late)
    hole = Region(2.0, 3.9)  # ends between two steps
    placed = place(STEADY, bars(STEADY, 0.0, 8.0), (hole,), (2.0, 3.9), around)
    rng = np.random.default_rng(0)
    for step in np.flatnonzero(placed.passage.hidden.any(1)):
        note = placed.event((int(step), 39, 24, 0), rng, placed.lateness(rng))
        assert 2.0 <= note.onset < 3.9
        assert note.onset == pytest.approx(min(max(step / 8 + late, 2.0), 3.9), abs=0.0011)


def test_velocities_stay_within_those_around():
    around = scale(STEADY, 4.0, 8.0)
    around[:, 3] = np.linspace(40, 60, len(around))
    placed = place(STEADY, bars(STEADY, 0.0, 8.0), (HOLE,), (2.0, 4.0), around)
    rng = np.random.default_rng(0)
    levels = [placed.event((16, 39, 12, velocity), rng, 0.0).velocity for velocity in range(8, 128, 8) for _ in "ab"]
    assert min(levels) == 36
    assert max(levels) == 64
    assert len(set(levels)) > 5


NOWHERE = Surroundings(np.zeros((0, 4)))


def known_from(begin: float, end: float, *spans: Span) -> Surroundings:
    return Surroundings(scale(STEADY, begin, end), spans or (Span(-np.inf, np.inf),))


def test_long_holes_are_cut_into_pieces_that_join():
    pieces = pieces_of(STEADY, (Region(1.0, 61.0),), NOWHERE)
    assert pieces[0].begin == 1.0
    assert pieces[-1].end == 61.0
    for one, following in pairwise(pieces):
        assert one.end == pytest.approx(following.begin)
    assert max(sum(bar.beats for bar in piece.bars) for piece in pieces) <= 52


def begins(piece: Piece) -> list[float]:
    return [bar.beat for bar in piece.bars]


def test_bars_that_nobody_knows_are_not_looked_at():
    (piece,) = pieces_of(STEADY, (Region(8.0, 10.0),), known_from(0.0, 8.0))
    assert begins(piece) == [0.0, 4.0, 8.0, 12.0, 16.0]
    (piece,) = pieces_of(STEADY, (Region(0.0, 4.0),), NOWHERE)
    assert begins(piece) == [0.0, 4.0]
    (piece,) = pieces_of(STEADY, (Region(8.0, 10.0),), known_from(5.0, 30.0))
    assert begins(piece)[0] == 8.0, "the bar of the first note"
    assert begins(piece)[-1] == 56.0


def test_a_piece_knows_when_nothing_is_around_it():
    assert all(piece.alone for piece in pieces_of(STEADY, (Region(1.0, 61.0),), NOWHERE))
    (piece,) = pieces_of(STEADY, (Region(8.0, 10.0),), known_from(0.0, 8.0))
    assert not piece.alone


def test_of_what_was_read_only_whole_bars_are_looked_at():
    read = known_from(0.0, 60.0, Span(3.5, 16.9), Span(30.0, 50.0))
    (piece,) = pieces_of(STEADY, (Region(8.0, 10.0),), read)
    assert begins(piece) == [8.0, 12.0, 16.0, 20.0, 24.0, 28.0]
    (piece,) = pieces_of(STEADY, (Region(52.0, 54.0),), read)
    assert begins(piece) == [104.0], "nothing was read there"


def test_what_is_still_to_be_written_belongs_to_the_passage():
    pieces = pieces_of(STEADY, (Region(0.0, 40.0),), NOWHERE)
    assert begins(pieces[0])[-1] > pieces[0].end * 2.0 + 8.0
    assert begins(pieces[-1])[0] < pieces[-1].begin * 2.0 - 8.0


def test_a_key_is_struck_again_when_it_is_released():
    held, event = NoteEvent(0.0, 1.03, 60, 70), NoteEvent(1.0, 1.5, 60, 70)
    assert _released(event, [held], 0.05) == NoteEvent(1.03, 1.5, 60, 70)
    assert _released(event, [held], 0.01) == event
    assert _released(event, [replace(held, pitch=61)], 0.05) == event
