"""Arrival times that jitter become times that join; a loss is seen, a slow clock is followed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.audio.clock import SampleClock

RATE, FRAMES = 48_000, 1024
BLOCK = FRAMES / RATE


@given(st.lists(st.floats(0.0, 0.03), min_size=2, max_size=300))
def test_blocks_that_come_late_by_less_than_a_jump_join_to_a_millisecond(delays):
    clock = SampleClock(RATE, 0.05)
    times = [clock.stamp(FRAMES, 100.0 + i * BLOCK + delay) for i, delay in enumerate(delays)]
    for before, after in itertools.pairwise(times):
        assert abs(after - before - BLOCK) <= 0.001001


@given(st.floats(0.999, 1.001))
def test_a_device_whose_clock_is_off_is_followed(speed):
    clock = SampleClock(RATE, 0.05)
    for i in range(2000):
        at = clock.stamp(FRAMES, i * BLOCK * speed)
    assert at == pytest.approx(1999 * BLOCK * speed, abs=0.002)


def test_a_pause_is_a_hole_of_its_length():
    clock = SampleClock(RATE, 0.05)
    clock.stamp(FRAMES, 10.0)
    assert clock.stamp(FRAMES, 13.0) == 13.0
    assert clock.end == 13.0 + BLOCK


def test_a_known_loss_is_a_hole_however_short_and_time_never_goes_back():
    clock = SampleClock(RATE, 0.05)
    clock.stamp(FRAMES, 10.0)
    assert clock.stamp(FRAMES, 10.0 + 2 * BLOCK, lost=True) == 10.0 + 2 * BLOCK
    assert clock.stamp(FRAMES, 0.0, lost=True) == 10.0 + 3 * BLOCK
