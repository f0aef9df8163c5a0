"""The features of the compact network: shapes, levels, pitches, and long audio in pieces."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from diffroll_live.model import front_end as frontend
from diffroll_live.model.front_end import FrontEnd, FrontEndConfig

CONFIG = FrontEndConfig()
QUIET = (math.log(CONFIG.floor) + CONFIG.centre) / CONFIG.spread


@pytest.fixture(scope="module")
def front_end() -> FrontEnd:
    return FrontEnd()


def sine(frequency: float, seconds: float, rate: int = 16_000) -> Tensor:
    return torch.sin(2 * torch.pi * frequency * torch.arange(int(seconds * rate)) / rate)


@pytest.mark.parametrize(("n_samples", "n_frames"), [(0, 0), (1, 1), (256, 1), (257, 2), (16_000, 63), (20_480, 80)])
def test_a_frame_for_every_hop_begun(front_end: FrontEnd, n_samples: int, n_frames: int) -> None:
    assert front_end(torch.randn(2, n_samples)).shape == (2, CONFIG.n_features, n_frames)


def test_silence_is_quiet_everywhere(front_end: FrontEnd) -> None:
    torch.testing.assert_close(front_end(torch.zeros(1, 5000)), torch.full((1, CONFIG.n_features, 20), QUIET))


@pytest.mark.parametrize("pitch", [48, 57, 69, 81, 100, 108])
def test_a_sine_is_loudest_in_its_own_bin(front_end: FrontEnd, pitch: int) -> None:
    spectrum = front_end(sine(440 * 2 ** ((pitch - 69) / 12), 1.0)[None])[0, : CONFIG.n_bins, 31]
    assert abs(int(spectrum.argmax()) - 3 * (pitch - 21)) <= 1
    assert float(spectrum.max()) == pytest.approx(CONFIG.centre / CONFIG.spread, abs=0.8)


def test_a_level_is_a_shift_whatever_else_is_in_the_clip(front_end: FrontEnd) -> None:
    loud = front_end(sine(440.0, 0.5)[None])
    soft = front_end(0.1 * sine(440.0, 0.5)[None])
    difference = (loud - soft)[0, 144, 5:-5]
    torch.testing.assert_close(difference, torch.full_like(difference, math.log(10) / CONFIG.spread), atol=1e-2, rtol=0)


def test_an_attack_shows_in_its_own_frame(front_end: FrontEnd) -> None:
    click = torch.zeros(1, 16_000)
    click[0, 40 * 256] = 1.0
    bands = front_end(click)[0, CONFIG.n_bins :].mean(dim=0)
    assert int(bands.argmax()) == 40
    assert float(bands[42]) == pytest.approx(QUIET, abs=1e-3)


@pytest.mark.parametrize("chunk", [1, 7, 63])
def test_pieces_are_the_whole(front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    samples = torch.randn(2, 16_001)
    whole = front_end(samples)
    monkeypatch.setattr(frontend, "CHUNK_FRAMES", chunk)
    torch.testing.assert_close(front_end(samples), whole, atol=1e-5, rtol=0)


def test_amplitudes_are_those_of_a_plain_spectrum(front_end: FrontEnd) -> None:
    samples = torch.randn(16_000) * torch.linspace(0, 1, 16_000).square()
    got = front_end(samples[None])[0]
    bands = ((2048, front_end.pitch_filters), (512, front_end.attack_filters))
    for (n_fft, filters), rows in zip(bands, (got[: CONFIG.n_bins], got[CONFIG.n_bins :]), strict=True):
        window = torch.hann_window(n_fft)
        padded = torch.nn.functional.pad(samples, (n_fft // 2, n_fft))
        frames = torch.stack([padded[256 * i : 256 * i + n_fft] for i in range(63)], dim=1)
        amplitude = torch.fft.rfft(frames * window[:, None], dim=0).abs() * 2 / window.sum()
        wanted = (torch.log(filters @ amplitude + CONFIG.floor) + CONFIG.centre) / CONFIG.spread
        torch.testing.assert_close(rows, wanted, atol=1e-5, rtol=0)


def test_float32_whatever_the_autocast(front_end: FrontEnd) -> None:
    samples = torch.randn(1, 4000)
    with torch.autocast("cpu", torch.bfloat16):
        inside = front_end(samples)
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, front_end(samples))
