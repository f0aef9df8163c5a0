"""To the grid and to the scale: musical cases by hand, and what holds for all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.errors import RequestError
from diffroll_live.meter.tempo_map import TempoChange, TempoMap
from diffroll_live.music.grid import Grid, parse_grid
from diffroll_live.music.quantize import NoteShaping
from diffroll_live.notation.scales import SCALES, parse_scale
from diffroll_live.types import NoteEvent

GRIDS = st.builds(Grid, st.sampled_from([0.25, 0.5, 1.0, 1 / 3]), st.floats(0.0, 1.0), st.floats(0.5, 0.75))


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("1/16", Grid(0.25)),
        (" 1/8 ", Grid(0.5)),
        ("1/8t", Grid(1 / 3)),
        ("1/4d", Grid(1.5)),
        ("3/8", Grid(1.5)),
        ("1/16 0.8", Grid(0.25, 0.8)),
        ("1/16 0.8 0.55", Grid(0.25, 0.8, 0.55)),
        ("off", None),
    ],
)
def test_grids_in_words(text, grid):
    parsed = parse_grid(text)
    assert parsed == grid or parsed.step == pytest.approx(grid.step)


@pytest.mark.parametrize(
    "text", ["", "1/5", "0/4", "1/16 2", "1/16 0.5 0.9", "1/16 x", "1/16 nan", "1/16 0.5 0.5 0.5", "sixteenth", 16.0]
)
def test_what_is_no_grid_says_what_would_be(text):
    with pytest.raises(RequestError, match=r"1/16|strength|swing"):
        parse_grid(text)


@pytest.mark.parametrize(
    ("grid", "beat", "snapped"),
    [
        (Grid(0.25), 1.1, 1.0),
        (Grid(0.25), 1.2, 1.25),
        (Grid(0.25, strength=0.5), 1.2, 1.225),
        (Grid(0.25, strength=0.0), 1.2, 1.2),
        (Grid(0.5, swing=2 / 3), 1.6, 1 + 2 / 3),
        (Grid(0.5, swing=2 / 3), 1.3, 1.0),
        (Grid(0.5, swing=2 / 3), 1.9, 2.0),
        (Grid(1.0), -0.4, 0.0),
        (Grid(1.0), -0.6, -1.0),
    ],
)
def test_snapping_by_hand(grid, beat, snapped):
    assert grid.snap(beat) == pytest.approx(snapped)


@given(GRIDS, st.floats(-100.0, 1000.0))
def test_a_note_moves_half_a_swung_step_at_most_and_stays_when_it_is_there(grid, beat):
    snapped = grid.snap(beat)
    assert abs(snapped - beat) <= grid.swing * grid.step + 1e-9
    if grid.strength == 1.0:
        assert grid.snap(snapped) == pytest.approx(snapped, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "pitches"),
    [
        ("C major", {0, 2, 4, 5, 7, 9, 11}),
        ("a minor", {0, 2, 4, 5, 7, 9, 11}),
        ("F# dorian", {6, 8, 9, 11, 1, 3, 4}),
        ("Bb  major pentatonic", {10, 0, 2, 5, 7}),
        ("Cb chromatic", set(range(12))),
    ],
)
def test_scales_in_words(text, pitches):
    assert parse_scale(text).classes == pitches


@pytest.mark.parametrize("text", ["", "minor", "C", "H minor", "C nonsense", 3.0])
def test_what_is_no_scale_says_what_would_be(text):
    with pytest.raises(RequestError, match=r"C minor|did you mean"):
        parse_scale(text)


def test_of_two_neighbours_the_lower_is_taken():
    scale = parse_scale("C major")
    assert [scale.snap(pitch) for pitch in (60, 61, 63, 66, 68, 70)] == [60, 60, 62, 65, 67, 69]


@given(st.sampled_from(sorted(SCALES)), st.sampled_from("CDEFGAB"), st.integers(21, 108))
def test_every_pitch_of_the_piano_has_its_place_on_the_piano(name, root, pitch):
    scale = parse_scale(f"{root} {name}")
    snapped = scale.snap(pitch)
    assert snapped % 12 in scale.classes
    assert 21 <= snapped <= 108
    assert scale.snap(snapped) == snapped


def test_a_grid_follows_the_daws_tempo_and_the_buffers_place_in_it():
    track = TempoMap((TempoChange(0.0, 120.0), TempoChange(10.0, 60.0)))  # beat 20 at 10 s
    shape = NoteShaping(Grid(1.0), None, track, origin=9.3)
    moved = shape.apply(NoteEvent(0.3, 0.5, 60, 80))  # beat 19.2: nearest is 19 at 9.5 s
    assert moved.onset == pytest.approx(0.2)
    assert moved.duration == pytest.approx(0.2)
    assert shape.apply(NoteEvent(2.0, 2.5, 60, 80)).onset == pytest.approx(1.7)  # 11.3 s is beat 21.3


def test_no_note_goes_before_the_buffer_begins():
    shape = NoteShaping(Grid(1.0), None, TempoMap(), origin=0.1)
    assert shape.apply(NoteEvent(0.0, 0.2, 60, 80)).onset == pytest.approx(0.4)


def test_the_users_notes_and_everything_else_stay():
    mine, new = NoteEvent(0.13, 0.4, 61, 80), NoteEvent(0.13, 0.4, 63, 77, channel=2)
    shape = NoteShaping(Grid(1.0), parse_scale("C major"), TempoMap(), 0.0, frozenset({mine}))
    assert shape.apply(mine) == mine
    assert shape.apply(new) == NoteEvent(0.0, pytest.approx(0.27), 62, 77, channel=2)
    assert NoteShaping(None, None, TempoMap(), 0.0).apply(new) == new
