"""Musical time: seconds and quarter notes, bars and their lines, and the maps that nobody can mean."""

from __future__ import annotations

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.errors import RequestError
from diffroll_live.limits import MAX_METER_CHANGES
from diffroll_live.meter.meter_map import MeterChange, MeterMap, Signature, meter_of, next_change, steady_meter
from diffroll_live.meter.tempo_map import TempoChange, TempoMap

SIGNATURES = st.tuples(st.integers(1, 64), st.sampled_from([1, 2, 4, 8, 16, 32, 64]))


@st.composite
def rows(draw: st.DrawFn) -> list[MeterChange]:
    """Rows of a map as a client sends them, some with a beat and a signature."""
    made: list[MeterChange] = []
    t = draw(st.floats(-10.0, 10.0))
    for _ in range(draw(st.integers(1, 6))):
        signature = draw(st.none() | SIGNATURES)
        beat = draw(st.none() | st.floats(-50.0, 50.0)) if not made else None
        made.append(next_change(made[-1] if made else None, t, draw(st.floats(20.0, 400.0)), signature, beat))
        t += draw(st.floats(0.5, 20.0))
    return made


@given(rows())
def test_every_row_holds_where_it_stands(made: list[MeterChange]) -> None:
    meter = meter_of(made, "given")
    for row in made:
        assert meter.tempo.beat_at(row.t) == pytest.approx(row.beat, abs=1e-6)
        assert meter.tempo.tempo_at(row.t) == pytest.approx(row.bpm)
        bar = meter.bar_at(row.beat)
        assert (bar.numerator, bar.denominator) == (row.numerator, row.denominator)
    times = np.linspace(-20.0, 100.0, 50)
    np.testing.assert_allclose(meter.tempo.positions_at(meter.tempo.beats_at(times)), times, atol=1e-6)
    assert pickle.loads(pickle.dumps(meter)) == meter


@given(rows(), st.floats(-10.0, 60.0), st.floats(0.01, 20.0))
def test_bars_cover_a_span_without_a_gap(made: list[MeterChange], t0: float, seconds: float) -> None:
    meter = meter_of(made, "given")
    bars = meter.bars(t0, t0 + seconds)
    begin, end = meter.tempo.beats_at([t0, t0 + seconds])
    assert bars[0].beat <= begin + 1e-5
    assert bars[-1].beat + bars[-1].beats >= end - 1e-5
    for bar, following in pairwise(bars):
        assert following.beat == pytest.approx(bar.beat + bar.beats, abs=1e-6)
    for bar in bars:
        assert 0.0 < bar.beats <= 4.0 * bar.numerator / bar.denominator


def test_bars_before_and_after_a_change_of_signature_inside_a_bar() -> None:
    tempo = TempoMap((TempoChange(0.0, 60.0),))
    meter = MeterMap(tempo, (Signature(1.0, 4, 4), Signature(7.0, 6, 8)))
    assert [(bar.beat, bar.beats) for bar in meter.bars(0.0, 10.0)] == [
        (-3.0, 4.0),  # the bar that the piece begins in
        (1.0, 4.0),
        (5.0, 2.0),  # cut short
        (7.0, 3.0),
    ]
    assert meter.first_bar(0.0) == 1.0
    assert meter.first_bar(1.0) == 1.0
    assert meter.first_bar(5.5) == 7.0


def test_a_bar_begins_where_it_is_said_to() -> None:
    meter = steady_meter(90.0, (3, 4), bar_at=5.0)
    assert meter.first_bar(0.0) == pytest.approx(1.0)
    assert meter.first_bar(4.9) == pytest.approx(5.0)


def test_a_ritardando_of_rows_with_beats_keeps_their_beats() -> None:
    first = next_change(None, 0.0, 120.0, (4, 4), 2.0)
    second = next_change(first, 2.0, 80.0, None, 5.5)  # slower than 120 already
    third = next_change(second, 4.0, 60.0, None, 7.8)
    meter = meter_of((first, second, third), "given")
    np.testing.assert_allclose(meter.tempo.beats_at([0.0, 2.0, 4.0, 5.0]), [2.0, 5.5, 7.8, 8.8])
    assert meter.first_bar(0.0) == pytest.approx(2.0 * 2.0 / 3.5)


def test_a_first_row_far_from_beat_0_may_be_followed_by_any_signature() -> None:
    first = next_change(None, 0.0, 60.0, (3, 4), -7.0)
    second = next_change(first, 1.0, 60.0, (2, 4), None)
    assert [bar.beat for bar in meter_of((first, second), "given").bars(0.0, 3.5)] == [-9.0, -6.0, -4.0]


@pytest.mark.parametrize(
    ("t", "bpm", "signature", "beat", "why"),
    [
        (1.0, 0.0, None, None, "tempo of 0"),
        (1.0, 10_000.0, None, None, "tempo of 10000"),
        (1.0, math.nan, None, None, "tempo of nan"),
        (math.nan, 120.0, None, None, "off the time axis"),
        (math.inf, 120.0, None, None, "off the time axis"),
        (1.0, 120.0, (0, 4), None, "no signature 0/4"),
        (1.0, 120.0, (4, 3), None, "no signature 4/3"),
        (1.0, 120.0, (65, 4), None, "no signature 65/4"),
        (1.0, 120.0, None, math.nan, "off the timeline"),
        (0.0, 120.0, None, None, "in order"),  # at the time of the first row
        (-1.0, 120.0, None, None, "in order"),
        (1.0, 120.0, None, -1.0, "beats go on at -60"),  # backwards
        (1.0, 120.0, None, 1000.0, "beats go on at 60000"),
    ],
)
def test_a_row_that_no_music_has_is_refused(
    t: float, bpm: float, signature: tuple[int, int] | None, beat: float | None, why: str
) -> None:
    with pytest.raises(RequestError, match=why):
        next_change(MeterChange(0.0, 120.0), t, bpm, signature, beat)


@pytest.mark.parametrize(
    ("changes", "signatures"),
    [
        ((), (Signature(),)),
        ((TempoChange(0.0, 120.0),), ()),
        ((TempoChange(0.0, 3.0),), (Signature(),)),
        ((TempoChange(1.0, 120.0), TempoChange(0.0, 90.0)), (Signature(),)),
        ((TempoChange(math.nan, 120.0),), (Signature(),)),
        ((TempoChange(0.0, 120.0),), (Signature(4.0), Signature(4.0, 3, 4))),
        ((TempoChange(0.0, 120.0),), (Signature(0.0, 0, 4),)),
        (tuple(TempoChange(float(t), 120.0) for t in range(MAX_METER_CHANGES + 1)), (Signature(),)),
    ],
)
def test_a_map_that_no_music_has_is_refused(
    changes: tuple[TempoChange, ...], signatures: tuple[Signature, ...]
) -> None:
    with pytest.raises(RequestError):
        MeterMap(TempoMap(changes), signatures)
