"""Seconds to steps and back: notes keep their places, timing and loudness, whatever the tempo does."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from diffroll_live.engine.infill.composing import covered, pieces_of
from diffroll_live.engine.infill.placement import has_triplets, place
from diffroll_live.meter.meter_map import MeterChange, MeterMap, meter_of, steady_meter
from diffroll_live.types import Region

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


def test_a_hole_between_two_steps_gets_the_nearer():
    placed = place(STEADY, bars(STEADY, 0.0, 4.0), (Region(1.03, 1.06),), (1.03, 1.06), scale(STEADY, 0.0, 1.0))
    assert placed.passage.hidden.any(1).sum() == 1


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


def test_long_holes_are_cut_into_pieces_that_join():
    pieces = pieces_of(STEADY, (Region(1.0, 61.0),), 61.0)
    assert pieces[0].begin == 1.0
    assert pieces[-1].end == 61.0
    for one, following in pairwise(pieces):
        assert one.end == pytest.approx(following.begin)
    assert max(sum(bar.beats for bar in piece.bars) for piece in pieces) <= 52


def test_regions_that_overlap_are_one_span():
    assert covered((Region(3.0, 5.0), Region(0.0, 1.0), Region(4.0, 6.0))) == [(0.0, 1.0), (3.0, 6.0)]


def test_bars_that_nobody_knows_are_not_looked_at():
    (piece,) = pieces_of(STEADY, (Region(8.0, 10.0),), 8.0)
    assert [bar.beat for bar in piece.bars] == [0.0, 4.0, 8.0, 12.0, 16.0]
    (piece,) = pieces_of(STEADY, (Region(0.0, 4.0),), 0.0)
    assert [bar.beat for bar in piece.bars] == [0.0, 4.0]
