"""Known signals have known levels."""

from __future__ import annotations

import numpy as np
import pytest

from diffroll_live.audio.level_meter import FLOOR, LevelMeter, decibels

RATE = 48_000


def test_a_sine_of_half_scale():
    meter = LevelMeter(RATE, 0.1)
    t = np.arange(RATE // 10) / RATE
    level = meter.add((0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32))
    assert level is not None
    assert level.peak == pytest.approx(-6.02, abs=0.01)
    assert level.rms == pytest.approx(-9.03, abs=0.01)
    assert not level.is_silent


def test_silence_has_the_floor():
    level = LevelMeter(RATE, 0.1).add(np.zeros(4800, np.float32))
    assert level is not None
    assert (level.rms, level.peak) == (FLOOR, FLOOR)
    assert level.is_silent
    assert decibels(1e-9) == FLOOR


def test_an_interval_ends_with_the_block_that_fills_it_and_the_next_begins_empty():
    meter = LevelMeter(RATE, 0.1)
    loud, quiet = np.ones(2400, np.float32), np.zeros(2400, np.float32)
    assert meter.add(loud) is None
    assert meter.add(np.zeros(0, np.float32)) is None
    assert meter.add(loud).peak == 0.0
    assert meter.add(quiet) is None
    assert meter.add(quiet).is_silent
