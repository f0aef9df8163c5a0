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


BASS = FrontEndConfig(n_low_bins=108)


@pytest.fixture(scope="module")
def with_bass() -> FrontEnd:
    return FrontEnd(BASS)


def test_the_bass_comes_after_everything_else(front_end: FrontEnd, with_bass: FrontEnd) -> None:
    samples = torch.randn(2, 9000)
    both = with_bass(samples)
    assert both.shape == (2, BASS.n_features, 36)
    assert torch.equal(both[:, : CONFIG.n_features], front_end(samples))
    assert with_bass(samples[:, :0]).shape == (2, BASS.n_features, 0)


@pytest.mark.parametrize("pitch", [28, 36, 45, 54])
def test_a_low_sine_is_loudest_in_its_own_bin_of_the_bass(with_bass: FrontEnd, pitch: int) -> None:
    low = with_bass(sine(440 * 2 ** ((pitch - 69) / 12), 2.0)[None])[0, CONFIG.n_features :, 62]
    assert abs(int(low.argmax()) - 3 * (pitch - 21)) <= 1
    assert float(low.max()) == pytest.approx(CONFIG.centre / CONFIG.spread, abs=0.8)


def test_neighbouring_low_strings_are_two_only_to_the_longer_window(with_bass: FrontEnd) -> None:
    """F2 and the F sharp above it, 87.3 and 92.5 Hz, over one of their beats: the valley between them breathes."""
    lower, upper = 3 * (41 - 21), 3 * (42 - 21)
    mean = with_bass((sine(87.31, 2.0) + sine(92.50, 2.0))[None] * 0.3)[0, :, 56:68].mean(dim=1)
    short, low = mean[: CONFIG.n_bins], mean[CONFIG.n_features :]
    for spectrum, apart in ((short, False), (low, True)):
        valley = spectrum[lower + 1 : upper].min()
        assert bool((valley < spectrum[lower] - 0.1) & (valley < spectrum[upper] - 0.1)) is apart


def test_what_is_above_the_bass_does_not_fold_into_it(with_bass: FrontEnd) -> None:
    loud = with_bass(sine(1950.0, 2.0)[None])[0, CONFIG.n_features :, 20:100]
    assert float(loud.max()) < QUIET + (math.log(10) * 1.5) / CONFIG.spread


def test_a_frame_depends_on_no_more_than_its_reach(with_bass: FrontEnd) -> None:
    samples = torch.randn(1, 32_000)
    around = torch.zeros(1, 32_000)
    centre = 60 * 256
    around[:, centre - BASS.reach : centre + BASS.reach + 1] = samples[:, centre - BASS.reach : centre + BASS.reach + 1]
    torch.testing.assert_close(with_bass(samples)[0, :, 60], with_bass(around)[0, :, 60], atol=1e-4, rtol=0)
