"""Bars and beats from notes: found in music that has them, whatever its metre and drift, and not in what has none."""

from __future__ import annotations

import numpy as np
import pytest

from diffroll_live.evaluation.beat_tracking import f_measure, scores
from diffroll_live.meter.meter_map import NO_METER, steady_meter
from diffroll_live.music.beats import LONGEST, estimate_meter, keeps_to

BASS, CHORD = 40, 60


def waltz(beats_a_bar: int, n_bars: int, beat: float, drift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A bass on each first beat, a chord on the others, eighths above; the notes and the beats, in seconds."""
    rng = np.random.default_rng(0)
    n_beats = beats_a_bar * n_bars
    lengths = beat * (1.0 + drift * np.sin(np.arange(n_beats) / 12.0))
    beats = np.concatenate([[0.5], 0.5 + np.cumsum(lengths)])
    notes = []
    for index in range(n_beats):
        first = index % beats_a_bar == 0
        harmony = (0, 5, 7)[index // beats_a_bar % 3]
        pitches = (BASS + harmony,) if first else (CHORD + harmony, CHORD + harmony + 4)
        length = lengths[index] * (2.0 if first else 0.5)
        notes += [(beats[index], beats[index] + length, pitch, 90 if first else 60) for pitch in pitches]
        notes += [(beats[index] + share * lengths[index], 0.0, 72 + index % 5, 64) for share in (0.0, 0.5)]
    table = np.array(notes)
    table[:, 0] += rng.normal(0.0, 0.008, len(table))
    table[:, 1] = np.maximum(table[:, 1], table[:, 0] + 0.2)
    return table, beats[:-1]


@pytest.mark.parametrize(("beats_a_bar", "drift"), [(3, 0.0), (4, 0.0), (3, 0.08), (4, 0.08)])
def test_bars_and_beats_are_found_through_a_drifting_tempo(beats_a_bar: int, drift: float) -> None:
    notes, beats = waltz(beats_a_bar, 24, 0.6, drift)
    meter = estimate_meter(notes)
    assert (meter.source, meter.signatures[0].numerator, meter.signatures[0].denominator) == (
        "estimated",
        beats_a_bar,
        4,
    )
    notated, _, downbeats = scores(meter, beats, beats[::beats_a_bar])
    assert notated > 0.95
    assert downbeats > 0.9
    assert meter.confidence > 0.8


def test_a_jig_is_in_six_eighths() -> None:
    eighths = np.array([at for at in range(360) if at % 3 != 1])  # long short, long short
    t = eighths * 0.25 + 1.0
    pitch = np.where(eighths % 6 == 0, 40, np.where(eighths % 3 == 0, 52, 65 + eighths % 7))
    meter = estimate_meter(np.stack([t, t + 0.2, pitch, np.where(pitch < 60, 90.0, 60.0)], 1))
    assert (meter.signatures[0].numerator, meter.signatures[0].denominator) == (6, 8)
    assert meter.tempo.tempo_at(30.0) == pytest.approx(120.0, rel=0.02)  # a beat of three eighths lasts 0.75 s


def test_where_the_notes_lie_on_the_axis_does_not_matter() -> None:
    notes, _ = waltz(4, 16, 0.5)
    here, later = estimate_meter(notes), estimate_meter(notes + np.array([100.0, 100.0, 0.0, 0.0]))
    assert later.first_bar(100.0) == pytest.approx(here.first_bar(0.0) + 100.0, abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_notes_that_keep_to_no_beat_have_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    onset = np.sort(rng.uniform(0.0, 60.0, 300))
    assert estimate_meter(np.stack([onset, onset + 0.3, rng.integers(30, 90, 300), np.full(300, 64)], 1)) == NO_METER


def test_whether_notes_keep_to_a_tempo_is_heard() -> None:
    notes, _ = waltz(4, 16, 0.5)
    assert keeps_to(notes, steady_meter(120.0, bar_at=0.5))
    assert keeps_to(notes, steady_meter(60.0, bar_at=0.25)), "at half the tempo, off by a beat: a reading of it"
    assert not keeps_to(notes, steady_meter(113.0))
    assert keeps_to(notes[:11], steady_meter(113.0)), "too few to tell"


def test_little_or_strange_material_is_no_trouble() -> None:
    for count in (0, 1, 11, 12, 40):
        estimate_meter(np.tile([5.0, 5.2, 60.0, 64.0], (count, 1)))  # one chord
    notes, _ = waltz(4, 8, 0.5)
    far = np.vstack([notes, [[86_000.0, 86_001.0, 60.0, 64.0]]])
    assert estimate_meter(far).tempo.changes[-1].position < LONGEST
    assert estimate_meter(notes[::-1]) == estimate_meter(notes)


def test_ten_thousand_notes_make_a_bounded_map() -> None:
    notes, beats = waltz(4, 300, 0.5)
    many = np.vstack([notes, notes + np.array([0.002, 0.0, 12.0, 0.0])])
    meter = estimate_meter(many)
    assert len(meter.tempo.changes) <= 4096
    assert scores(meter, beats, beats[::4])[1] > 0.9


def test_f_measure() -> None:
    true = np.arange(10.0)
    assert f_measure(true + 0.05, true) == 1.0
    assert f_measure(true + 0.1, true) == 0.0
    assert f_measure(true[::2], true) == pytest.approx(2 / 3)
    assert f_measure(true[:1], true[:1]) == 1.0
    assert f_measure(np.array([]), true) == 0.0
