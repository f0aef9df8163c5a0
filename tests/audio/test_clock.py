"""Arrivals that jitter become numbers and times that join; a loss is a gap, a slow device is followed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.audio.clock import CLIENT_JITTER, DEVICE_JITTER, Arrival, StampedBlock, StreamClock, join

RATE, FRAMES = 48_000, 1024
BLOCK = FRAMES / RATE
ONES = np.ones(FRAMES, np.float32)


class Input:
    """A stream clock and the blocks that it has stamped."""

    def __init__(self, jitter: float = DEVICE_JITTER) -> None:
        self.clock = StreamClock(RATE, jitter)

    def stamp(self, at: float, **loss: int) -> StampedBlock:
        return self.clock.stamp(Arrival(ONES, at, **loss))


@pytest.mark.parametrize("jitter", [DEVICE_JITTER, CLIENT_JITTER])
@given(st.lists(st.floats(0.0, 0.6), min_size=2, max_size=300))
def test_blocks_that_come_late_by_less_than_the_jitter_join_to_a_millisecond(jitter, delays):
    source = Input(jitter)
    stamped = [source.stamp(100.0 + i * BLOCK + jitter * delay) for i, delay in enumerate(delays)]
    for before, after in itertools.pairwise(stamped):
        assert after.first == before.end
        assert abs(after.at - before.at - BLOCK) <= 0.001001


@given(st.floats(0.999, 1.001))
def test_a_device_whose_clock_is_off_is_followed(speed):
    source = Input()
    for i in range(2000):
        block = source.stamp(i * BLOCK * speed)
    assert block.at == pytest.approx(1999 * BLOCK * speed, abs=0.002)
    assert block.first == 1999 * FRAMES


def test_a_pause_is_a_gap_of_its_length():
    source = Input()
    source.stamp(10.0)
    block = source.stamp(13.0)
    assert (block.first, block.at) == (3 * RATE, 13.0)
    assert source.clock.end == 3 * RATE + FRAMES
    assert source.clock.overruns == 0


def test_a_known_loss_is_a_gap_however_short_and_time_never_goes_back():
    source = Input()
    source.stamp(10.0)
    late = source.stamp(10.0 + 2 * BLOCK, overrun=True)
    assert (late.first, late.at) == (2 * FRAMES, 10.0 + 2 * BLOCK)
    early = source.stamp(10.0, overrun=True)
    assert (early.first, early.at) == (3 * FRAMES, pytest.approx(10.0 + 3 * BLOCK, abs=0.001001))


def test_losses_are_counted_by_what_is_known_and_by_what_is_missing():
    source = Input()
    source.stamp(10.0)
    source.stamp(10.0 + BLOCK, overrun=True, lost=480)
    source.stamp(10.5 + 2 * BLOCK, overrun=True)
    assert (source.clock.overruns, source.clock.lost) == (2, pytest.approx(0.51))


def test_what_runs_over_a_second_ahead_of_real_time_is_dropped():
    source = Input()
    stamped = [source.stamp(10.0) for _ in range(100)]
    assert (
        1.0 < sum(len(block.samples) for block in stamped) / RATE < 1.1
    )  # each block is steered back by a millisecond
    assert source.clock.lost == pytest.approx(100 * BLOCK - source.clock.end / RATE)
    assert len(source.stamp(12.0).samples) == FRAMES


def test_silence_takes_the_place_of_what_is_overdue_and_the_latecomer_is_cut():
    source = Input()
    assert source.clock.silence(1e9) is None, "nothing has come yet"
    source.stamp(10.0)
    assert source.clock.silence(10.5) is None
    silence = source.clock.silence(10.5 + 1.5 * BLOCK)
    assert (silence.first, silence.end) == (FRAMES, FRAMES + FRAMES // 2)
    late = source.stamp(10.0 + BLOCK)
    assert (late.first, late.end) == (silence.end, 2 * FRAMES)
    assert late.at == pytest.approx(10.0 + 1.5 * BLOCK)


def test_silence_does_not_go_on_for_ever():
    source = Input()
    source.stamp(10.0)
    lengths = [len(block.samples) for tenth in range(200) if (block := source.clock.silence(10.0 + tenth / 10))]
    assert sum(lengths) == 3 * RATE
    assert source.stamp(60.0).first == 50 * RATE


def test_blocks_are_joined_with_silence_in_the_gaps():
    joined = join([StampedBlock(5, ONES[:2], 0.0), StampedBlock(8, ONES[:1], 0.0)])
    assert joined.tolist() == [1, 1, 0, 1]
