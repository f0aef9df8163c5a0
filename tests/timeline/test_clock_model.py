"""The clock model on times that the tests write: exact without noise, close with it, and quick to see what happened."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.midi.playhead import Loop, PlayheadModel, find_loop
from diffroll_live.timeline.clock_model import AHEAD_SECONDS, BEHIND_SECONDS, LANDING_SECONDS, ClockModel

JITTER = 0.005
POSITIONS = st.floats(-100.0, 10_000.0)
RATES = st.floats(0.25, 4.0)


def playing(position: float = 0.0, at: float = 100.0) -> ClockModel:
    model = ClockModel(JITTER)
    model.stop(at, position)
    model.play(at)
    return model


def report(model: ClockModel, at: float, position: float) -> PlayheadModel:
    model.play(at, position)
    return model.playhead


# Courses


@given(POSITIONS, RATES, st.floats(0.0, 1000.0))
def test_time_and_unwrapped_position_are_each_others_inverse(unwrapped, rate, seconds):
    playhead = PlayheadModel(1, True, 50.0, unwrapped, rate, unwrapped)
    assert playhead.unwrapped_at(playhead.time_of(unwrapped + seconds)) == pytest.approx(unwrapped + seconds)


@given(st.floats(0.0, 100.0), st.floats(0.1, 10.0), st.floats(0.0, 1.0), st.floats(0.0, 100.0))
def test_a_looping_playhead_never_leaves_its_loop_and_counts_its_laps(start, length, before, seconds):
    loop = Loop(start, start + length)
    position = start + before * length * 0.999
    playhead = PlayheadModel(1, True, 0.0, position, 1.0, position, loop)
    unwrapped = playhead.unwrapped_at(seconds)
    wrapped = playhead.wrap(unwrapped)
    assert loop.start - 1e-6 <= wrapped <= loop.end + 1e-6
    assert wrapped + playhead.lap_seconds(playhead.lap_of(unwrapped)) == pytest.approx(unwrapped)
    assert playhead.lap_start(0) == position
    assert playhead.lap_start(1) == loop.start


def test_a_playhead_that_stands_stays():
    assert PlayheadModel(1, False, 0.0, 7.0).position_at(99.0) == 7.0
    assert find_loop(1.0, 1.01, 0.0) is None  # too short
    assert find_loop(1.0, 3.0, 3.0) is None  # behind
    assert find_loop(1.0, 3.0, 0.0) == Loop(1.0, 3.0)


# Following


@given(POSITIONS, st.just(1.0) | st.floats(0.25, 0.5) | st.floats(1.5, 2.0), st.floats(0.01, 0.04), st.integers(8, 60))
def test_reports_without_error_are_followed_at_any_rate(position, rate, spacing, n_reports):
    model = playing(position)
    for i in range(1, n_reports):
        playhead = report(model, 100.0 + i * spacing, position + rate * i * spacing)
    assert playhead.position_at(playhead.at) == pytest.approx(
        position + rate * (playhead.at - 100.0), abs=5 * JITTER
    )  # until another rate is sure
    assert playhead.run == 1


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.98, 1.0, 1.02, 1.3, 2.0])
@pytest.mark.parametrize("spacing", [0.01, 0.033, 0.1])
def test_any_rate_is_found_within_two_seconds_whatever_the_jitter(rate, spacing):
    for seed in range(5):
        chance = random.Random(seed)
        model = playing()
        errors = []
        for i in range(1, round(4.0 / spacing)):
            now = 100.0 + i * spacing
            playhead = report(model, now, rate * (i * spacing - min(0.02, abs(chance.gauss(0.0, JITTER)))))
            if i * spacing > 2.0:
                errors.append(abs(playhead.position_at(now) - rate * i * spacing))
        assert sorted(errors)[len(errors) // 2] < 2 * JITTER * max(1.0, rate)
        assert max(errors) < 5 * JITTER * max(1.0, rate)


def test_jitter_is_averaged_away():
    chance = random.Random(1)
    model = playing()
    errors = []
    for i in range(1, 300):
        now = 100.0 + i / 30
        playhead = report(model, now, i / 30 + chance.uniform(-JITTER, JITTER))
        errors.append(abs(playhead.position_at(now) - i / 30))
    assert max(errors[100:]) < 0.3 * JITTER
    assert model.playhead.run == 1  # no jump was seen


@pytest.mark.parametrize("leap", [-3.0, -2 * BEHIND_SECONDS, 2 * AHEAD_SECONDS, 60.0])
def test_a_jump_is_believed_at_once(leap):
    model = playing()
    for i in range(1, 30):
        before = report(model, 100.0 + i / 30, i / 30)
    after = report(model, 101.0, 1.0 + leap)
    assert after.run == before.run + 1
    assert after.position_at(101.0) == pytest.approx(1.0 + leap)
    # It may have landed anywhere since the report before, so notes since then are not lost ...
    assert after.start == pytest.approx(1.0 + leap - 1 / 30)


def test_after_a_long_silence_only_what_can_still_be_played_counts_as_passed():
    model = playing()
    report(model, 101.0, 1.0)
    assert report(model, 103.0, 50.0).start == pytest.approx(50.0 - LANDING_SECONDS)
    model.play(103.01, 20.0, resolution=0.01)  # ... and none is invented where the source tells every position
    assert model.playhead.start == pytest.approx(20.0)


@pytest.mark.parametrize("stray", [-0.2, -0.04, 0.08])
def test_one_report_that_does_not_fit_is_set_aside(stray):
    model = playing()
    for i in range(1, 60):
        report(model, 100.0 + i / 30, i / 30)
    before = model.playhead
    assert report(model, 102.0, 2.0 + stray) == before
    after = report(model, 102.0 + 1 / 30, 2.0 + 1 / 30)
    assert after.position_at(103.0) == pytest.approx(3.0, abs=1e-3)
    assert after.run == before.run


def test_two_reports_that_agree_are_believed():
    model = playing()
    for i in range(1, 60):
        report(model, 100.0 + i / 30, i / 30)
    for i in range(60, 63):
        after = report(model, 100.0 + i / 30, i / 30 - 0.06)
    assert after.position_at(102.5) == pytest.approx(2.44, abs=1e-3)


def test_a_report_from_before_the_jump_that_comes_after_it_is_passed_over():
    model = playing(3.0)
    for i in range(1, 30):
        report(model, 100.0 + i / 30, 3.0 + i / 30)
    jumped = report(model, 101.0, 0.0)
    report(model, 101.005, 3.95)
    assert model.playhead == jumped
    report(model, 101.033, 0.033)
    assert model.playhead.run == jumped.run
    # But two of them are no straggler: the playhead did go back.
    for at in (101.06, 101.09):
        report(model, at, at - 97.0)
    assert model.playhead.position_at(102.0) == pytest.approx(5.0, abs=0.01)


def test_a_playhead_of_one_speed_that_stalls_is_shifted_and_goes_on_at_its_speed():
    model = ClockModel(0.0005, varispeed=False)
    model.play(100.0, 0.0)
    lost = 0.0
    for i in range(1, 400):
        lost += 0.02 if i % 50 == 0 else 0.005 if i % 17 == 0 else 0.0
        model.play(100.0 + i * 0.0027, i * 0.0027 - lost)
        assert model.playhead.rate == pytest.approx(1.0, abs=0.01)
        if i % 50 == 2 or i % 17 == 2:
            assert model.playhead.position_at(model.playhead.at) == pytest.approx(i * 0.0027 - lost, abs=0.003)
    assert model.playhead.run == 1


def test_starting_is_from_where_it_stood():
    model = ClockModel(JITTER)
    model.stop(10.0, 4.0)
    model.play(12.0, 4.02)  # it has moved a little before it was heard
    assert model.playhead.start == 4.0
    model.stop(13.0)
    assert model.playhead.position_at(99.0) == pytest.approx(5.02)
    model.play(14.0, 30.0)
    assert model.playhead.start == 30.0
    runs = model.playhead.run
    model.play(14.5)  # said again
    assert model.playhead.run == runs


def test_a_known_loop_is_foreseen_and_reports_fold_into_it():
    model = playing(1.0)
    model.loop(100.0, (1.0, 3.0), True)
    run = model.playhead.run
    for i in range(1, 200):
        position = 1.0 + (i / 30) % 2.0
        report(model, 100.0 + i / 30, position)
        assert model.playhead.position_at(100.0 + i / 30) == pytest.approx(position, abs=1e-3)
    assert model.playhead.run == run
    model.loop(107.0, (1.0, 3.0), False)
    assert model.playhead.loop is None
    model.loop(107.0, None, True)
    assert model.playhead.loop is None


def test_the_jump_of_a_loop_that_was_not_switched_on_lands_on_its_start():
    model = playing(1.0)
    model.loop(100.0, (1.0, 3.0), False)
    for i in range(1, 60):
        report(model, 100.0 + i / 30, 1.0 + i / 30)
    assert report(model, 102.01, 1.015).start == 1.0


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.none() | st.floats(-1e5, 1e5), st.booleans()), max_size=40))
def test_whatever_is_reported_the_course_can_be_used(reports):
    model = ClockModel(JITTER)
    model.loop(0.0, (2.0, 4.0), True)
    now, run = 0.0, 0
    for pause, position, plays in reports:
        now += pause
        (model.play if plays else model.stop)(now, position)
        playhead = model.playhead
        assert playhead.run >= run
        run = playhead.run
        assert playhead.playing == plays
        assert 0.05 <= playhead.rate <= 20.0
        assert playhead.time_of(playhead.unwrapped_at(now + 1.0)) == pytest.approx(now + 1.0) or not plays
