"""The stand-in for lossy codecs, beside a real one."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
import torch

from diffroll_live.training.synthesis import codec

RATE = 16_000


def transcode(sound: np.ndarray, quality: float, cut: float = 8000.0) -> np.ndarray:
    rows = torch.from_numpy(sound)[None]
    return codec.transcode(rows, torch.tensor([[quality]]), torch.tensor([[cut]]))[0].numpy()


def piano(seconds: float = 2.0) -> np.ndarray:
    """Three notes of twelve partials with a sharp attack, over a little noise."""
    time = np.arange(int(seconds * RATE)) / RATE
    out = 1e-4 * np.random.default_rng(0).standard_normal(len(time))
    for begin, pitch in ((0.3, 220.0), (0.9, 277.2), (1.4, 329.6)):
        since = np.maximum(time - begin, 0)
        for k in range(1, 13):
            out += (time >= begin) * 0.1 / k * np.exp(-3 * k * since) * np.sin(2 * np.pi * pitch * k * since)
    return out.astype(np.float32)


def decibels(signal: np.ndarray, noise: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(signal**2) / np.mean(noise**2)))


def test_without_rounding_nothing_is_lost():
    sound = piano()
    back = transcode(sound, 1e4)
    assert back.shape == sound.shape
    assert decibels(sound, back - sound) > 50


@pytest.mark.parametrize("quality", [6, 12, 24])
def test_the_noise_is_as_far_below_the_signal_as_is_asked_for(quality):
    sound = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    reached = decibels(sound, transcode(sound, 10 ** (quality / 20)) - sound)
    assert reached == pytest.approx(quality, abs=1)


def test_what_lies_above_the_cut_off_is_gone():
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(transcode(noise, 4.0, 4000.0)))
    assert spectrum[4200:].mean() < 0.02 * spectrum[:3800].mean()


def test_noise_spreads_before_an_attack_as_it_does_in_an_mp3():
    sound = piano()
    before = slice(int(0.28 * RATE), int(0.299 * RATE))
    ours = transcode(sound, 4.0)
    file = io.BytesIO()
    soundfile.write(file, sound, RATE, format="MP3", compression_level=0.99)
    file.seek(0)
    real = soundfile.read(file, dtype="float32")[0][: len(sound)]
    for one in (ours, real):
        assert np.abs(one[before]).max() > 5 * np.abs(sound[before]).std()
    assert abs(decibels(sound, ours - sound) - decibels(sound[: len(real)], real - sound[: len(real)])) < 15


def test_silence_stays_silent_and_lengths_are_kept():
    assert not transcode(np.zeros(1000, np.float32), 4.0).any()
    assert transcode(piano()[:100], 4.0).shape == (100,)


def test_each_row_has_its_own_quality():
    sound = torch.from_numpy(piano())
    both = codec.transcode(torch.stack([sound, sound]), torch.tensor([[2.0], [16.0]]), torch.tensor([[8e3], [4e3]]))
    for row, (quality, cut) in zip(both, ((2.0, 8e3), (16.0, 4e3)), strict=True):
        assert np.allclose(row.numpy(), transcode(piano(), quality, cut), atol=1e-5)
