"""Each measure on fills made by hand, of which the right value is known."""

from __future__ import annotations

import numpy as np
import pytest
from support.excerpts import figure, filled, hole, rows

from diffroll_live.evaluation.composing import harmony, melody, rhythm
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.holes import KINDS, Hole
from diffroll_live.evaluation.composing.measures import FEATURES, OF_PIECES, SHOWN, features, mean

SAME = figure(2)
NOTHING: list[tuple[int, int, int]] = []


def later(written: np.ndarray, ticks: float) -> np.ndarray:
    return written + np.array([ticks, ticks, 0, 0])


def test_onsets_on_the_grid_are_counted_whatever_bar_they_lie_in():
    written = filled([(0, 60, 6), (6, 62, 6), (8, 64, 6), (15, 65, 6)])
    assert rhythm.on_grid(written) == 0.5
    late = Filled(written.hole, later(written.rows, 0.9))
    assert rhythm.on_grid(late) == 0.5, "less than a twenty-fourth of a quarter late is on it"
    assert rhythm.on_grid(Filled(written.hole, later(written.rows, 1.5))) == 0.0


def test_notes_a_beat_and_notes_at_once():
    written = filled([(0, 60, 24), (0, 64, 24), (24, 67, 24), (96, 72, 24)])
    assert rhythm.notes_a_beat(written) == 4 / 8
    assert rhythm.together(written) == 4 / 3
    assert rhythm.denser(filled(SAME)) == pytest.approx(0.0)
    assert rhythm.denser(filled(SAME[::2])) == pytest.approx(np.log(0.5))


def test_places_in_the_bar_are_compared_over_all_fills():
    assert rhythm.place_distance([filled(SAME)], [filled(SAME)]) == 0.0
    elsewhere = [filled([(tick + 6, pitch, ticks) for tick, pitch, ticks in SAME])]
    assert rhythm.place_distance([filled(SAME)], elsewhere) == 1.0
    half = [filled([(0, 60, 6), (6, 60, 6)])], [filled([(0, 60, 6), (12, 60, 6)])]
    assert rhythm.place_distance(*half) == 0.5
    assert rhythm.places_shared(filled(SAME)) == pytest.approx(1.0)
    assert rhythm.places_shared(elsewhere[0]) == 0.0


def test_off_beats_and_lengths():
    assert rhythm.off_beat(filled([(0, 60, 6), (6, 62, 6), (12, 64, 6), (16, 65, 6)])) == 0.5
    assert rhythm.longer(filled([(tick, pitch, 2 * ticks) for tick, pitch, ticks in SAME])) == pytest.approx(np.log(2))


def test_what_comes_to_rest_begins_nothing_in_its_last_quarter():
    assert rhythm.comes_to_rest(filled([(0, 60, 24), (167, 62, 24)])) == 1.0
    assert rhythm.comes_to_rest(filled([(0, 60, 24), (168, 62, 24)])) == 0.0


def test_a_figure_that_goes_on_has_been_heard_and_one_turned_round_has_not():
    for top in (True, False):
        assert melody.heard_before(filled(SAME), top=top) == 1.0
    backwards = [(tick, 132 - pitch, ticks) for tick, pitch, ticks in SAME]
    assert melody.heard_before(filled(backwards), top=True) == 0.0
    assert np.isnan(melody.heard_before(filled(SAME[:3]), top=True)), "three notes have no three steps"


def test_a_transposed_figure_counts_as_heard():
    assert melody.heard_before(filled([(tick, pitch + 2, ticks) for tick, pitch, ticks in SAME]), top=True) == 1.0


def test_from_nothing_only_what_came_before_counts():
    written = filled(figure(10), NOTHING, first=0, last=10)
    once = melody.heard_before(filled(figure(1), NOTHING, first=0, last=10), top=True)
    assert once == 0.0
    assert melody.heard_before(written, top=True) == pytest.approx((47 - 5) / 47), (
        "of 47 trigrams the first five are new"
    )


def test_lines_are_the_highest_and_the_lowest_of_each_onset():
    chord = np.array([(0, 60, 6), (0, 72, 6), (0, 48, 6), (12, 62, 6)])
    assert melody.line(chord, top=True).tolist() == [[0, 72], [12, 62]]
    assert melody.line(chord, top=False).tolist() == [[0, 48], [12, 62]]


def test_leaps_entries_and_height():
    written = filled([(0, 70, 12), (12, 72, 12), (24, 68, 12)])
    assert melody.leap(written, top=True) == 3.0
    assert melody.entry(written, top=True) == pytest.approx((abs(70 - 72) + abs(68 - 48)) / 2)
    octave_up = [(tick, pitch + 12, ticks) for tick, pitch, ticks in SAME]
    assert melody.height(filled(octave_up)) == pytest.approx(1.0)


def test_lines_beside_a_band_are_those_of_its_pitches():
    banded = filled([(24, 60, 12)], low=60, high=70)
    assert set(banded.before[:, 1]) == set(banded.after[:, 1]) == {60, 64, 67}


@pytest.mark.parametrize(("tonic", "mode", "scale"), [(0, 0, (0, 2, 4, 5, 7, 9, 11)), (9, 1, (9, 11, 0, 2, 4, 5, 8))])
def test_a_scale_with_its_triad_held_is_in_its_key(tonic, mode, scale):
    third = 4 - mode
    notes = [(12 * i, 60 + pitch, 12) for i, pitch in enumerate(scale)]
    notes += [(96, 60 + (tonic + degree) % 12, 48) for degree in (0, third, 7)]
    assert harmony.key_of(np.array(notes)) == (tonic, mode)


def test_scales_and_classes():
    written = filled([(0, 60, 12), (12, 61, 12), (24, 62, 12), (36, 66, 12)])
    assert harmony.in_scale(written) == 0.5
    assert harmony.likeness(filled(SAME)) == pytest.approx(1.0)
    assert harmony.likeness(filled([(0, 61, 12)])) == 0.0


def test_dissonance_is_of_pairs_that_begin_together():
    assert harmony.dissonance(filled([(0, 60, 12), (0, 64, 12), (0, 67, 12)])) == 0.0
    assert harmony.dissonance(filled([(0, 60, 12), (0, 61, 12), (0, 67, 12)])) == pytest.approx(2 / 3)
    assert np.isnan(harmony.dissonance(filled([(0, 60, 12), (12, 61, 12)])))


def test_chords_heard_before():
    assert harmony.chords_heard(filled([(0, 48, 24), (24, 60, 12), (36, 61, 12)])) == pytest.approx(2 / 3)


def test_a_key_is_held_or_left():
    def in_two_keys(second: int) -> Filled:
        later = [(96 * 4 + tick, pitch + second, ticks) for tick, pitch, ticks in figure(4)]
        return filled([*figure(4), *later], NOTHING, first=0, last=8)

    assert harmony.key_held(in_two_keys(0)) == 1.0
    assert harmony.key_held(in_two_keys(6)) == 0.0


def test_an_end_on_the_tonic():
    at_home = filled([*figure(1), (96, 48, 96), (96, 64, 96)], NOTHING, first=0, last=2)
    elsewhere = filled([*figure(1), (96, 52, 96), (96, 60, 96)], NOTHING, first=0, last=2)
    assert (harmony.ends_at_home(at_home), harmony.ends_at_home(elsewhere)) == (1.0, 0.0)


def test_what_was_played_is_put_on_the_grid_before_it_is_read():
    at = hole()
    late = Filled(at, later(rows([(at.begin, 60, 12)]), 1.4), played=True)
    assert late.inside.tolist() == [[at.begin, 60, 12]]


def test_every_measure_has_a_value_for_music_and_the_classifier_gets_all():
    for name, measure in {**SHOWN, **FEATURES}.items():
        chord = [(0, 64, 24), *SAME]
        assert np.isfinite(measure(filled(chord))), name
    piece = Hole(hole().excerpt, KINDS["sixteen bars from nothing"], 0, 10, 1)
    for name, measure in OF_PIECES.items():
        assert measure(Filled(piece, piece.composed())) in (0.0, 1.0), name
    assert features(filled(SAME)).shape == (len(FEATURES),)
    assert np.isnan(features(filled(NOTHING))).all()


def test_means_leave_out_what_is_empty_or_has_nothing_to_measure():
    fills = [filled([(0, 60, 12), (0, 61, 12)]), filled([(0, 60, 12)]), filled(NOTHING)]
    assert mean(harmony.dissonance, fills) == 1.0
    assert mean(harmony.dissonance, fills[1:]) is None
