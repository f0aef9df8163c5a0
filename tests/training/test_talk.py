"""Talk made by rule: loud enough to be heard, never at rest, and nothing that a piano could be."""

from __future__ import annotations

import numpy as np
import pytest

from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.training.synthesis.talk import LEVEL, talk


@pytest.fixture(scope="module")
def said() -> np.ndarray:
    return talk(4 * SAMPLE_RATE, np.random.default_rng(1))


def test_talk_has_its_length_and_level(said):
    assert said.shape == (4 * SAMPLE_RATE,)
    assert said.dtype == np.float32
    assert np.sqrt(np.mean(said**2)) == pytest.approx(LEVEL, rel=1e-3)
    assert np.isfinite(said).all()


def test_talk_has_syllables_and_pauses(said):
    blocks = np.sqrt(np.mean(said.reshape(-1, 800) ** 2, axis=1))  # 50 ms
    assert blocks.min() < 0.2 * LEVEL
    assert blocks.max() > 1.5 * LEVEL


def test_its_pitch_glides(said):
    """The loudest partial below 400 Hz does not stay within a semitone for long."""
    frames = np.lib.stride_tricks.sliding_window_view(said, 2048)[::512] * np.hanning(2048)
    spectrum = np.abs(np.fft.rfft(frames, 16_384))
    low = spectrum[:, 60:410]
    loud = low.max(axis=1) > 0.3 * np.median(low.max(axis=1))
    pitch = 12 * np.log2((60 + low.argmax(axis=1)) * SAMPLE_RATE / 16_384 / 440)
    moved = np.abs(np.diff(pitch))[loud[1:] & loud[:-1]]
    assert (moved > 0.15).mean() > 0.4


def test_two_seeds_say_different_things():
    assert not np.array_equal(talk(1000, np.random.default_rng(1)), talk(1000, np.random.default_rng(2)))
