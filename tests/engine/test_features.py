"""What is heard of a recording: the same in pieces as at once, at every rate, and where it is loud."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchaudio
from support.asking import noise
from support.tiny import tiny_adapter

from diffroll_live.engine import sinc
from diffroll_live.engine.features import GATE_REACH, PIECE_FRAMES, Recording, Resampled, gate, silence
from diffroll_live.engine.sinc import sinc_resampler
from diffroll_live.types import AudioBuffer

ADAPTER = tiny_adapter()
CPU = torch.device("cpu")
RATES = (8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000)


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
def test_parts_are_those_of_the_whole(rate: int) -> None:
    audio = noise(1.003, rate)
    whole = torchaudio.functional.resample(torch.from_numpy(audio.samples), rate, 16_000)
    resampled = Resampled(audio, 16_000, CPU)
    assert resampled.n_samples == len(whole)
    for first, last in ((0, len(whole)), (0, 1), (777, 778), (1000, 9000), (len(whole) - 300, len(whole))):
        torch.testing.assert_close(resampled.samples(first, last), whole[first:last], atol=1e-5, rtol=0)


@pytest.mark.parametrize("rate", RATES)
def test_samples_are_those_that_the_networks_were_trained_with(rate: int) -> None:
    audio = noise(0.2, rate)
    trained_with = torchaudio.transforms.Resample(rate, 16_000)(torch.from_numpy(audio.samples))
    divisor = math.gcd(rate, 16_000)
    ours = sinc_resampler(rate // divisor, 16_000 // divisor, CPU)(torch.from_numpy(audio.samples))
    assert torch.equal(ours, trained_with)


def test_there_is_silence_beyond_both_ends() -> None:
    samples = Resampled(noise(0.1, 44_100), 16_000, CPU).samples(-50, 1700)
    assert samples.shape == (1750,)
    assert samples[:50].eq(0).all()
    assert samples[50:1650].ne(0).any()
    assert samples[1650:].eq(0).all()


def test_resampling_keeps_the_pitch() -> None:
    tone = lambda rate: np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)  # noqa: E731
    resampled = Resampled(AudioBuffer("tone", tone(44_100), 44_100), 16_000, CPU).samples(0, 16_000)
    np.testing.assert_allclose(resampled[500:-500], tone(16_000)[500:-500], atol=0.01)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("order", [((300, 310), (0, 400)), ((0, 1),), ((500, 640), (100, 200)), ()])
def test_features_are_the_same_in_whatever_order_they_are_asked_for(
    rate: int, order: tuple[tuple[int, int], ...]
) -> None:
    audio = noise(10.3, rate)
    samples = torchaudio.functional.resample(torch.from_numpy(audio.samples), rate, 16_000)
    recording = Recording(audio, ADAPTER, -20.0)
    wanted = ADAPTER.features(samples)
    for first, last in order:
        got = recording.features(first, last)[:, first:last]
        torch.testing.assert_close(got, wanted[:, first:last], atol=1e-4, rtol=0)
    torch.testing.assert_close(recording.features(), wanted, atol=1e-4, rtol=0)


def test_loud_is_where_it_is_loud_however_it_is_cut() -> None:
    samples = noise(12.0).samples.copy()
    samples[40_000:120_000] = 0
    samples[130_000:] *= 1e-4
    wanted = gate(torch.from_numpy(samples), ADAPTER.geometry, -65.0)
    assert 0 < int(wanted.sum()) < len(wanted)
    recording = Recording(AudioBuffer("gaps", samples, 16_000), ADAPTER, -65.0)
    for first, last in ((PIECE_FRAMES - 1, PIECE_FRAMES + 1), (400, 530), (0, 750)):
        assert torch.equal(recording.loud(first, last)[:, 0], wanted[first:last])
    assert PIECE_FRAMES > GATE_REACH


def test_nothing_is_worked_out_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    listen = type(ADAPTER).features

    def counting(adapter: object, samples: torch.Tensor) -> torch.Tensor:
        asked.append(len(samples) // 256)
        return listen(adapter, samples)

    monkeypatch.setattr(type(ADAPTER), "features", counting)
    recording = Recording(noise(60.0), ADAPTER, -65.0)
    assert asked == []
    recording.features(1000, 1200)
    recording.features(1024, 1150)
    recording.loud(900, 1200)
    assert asked == [3 * PIECE_FRAMES + 2 * GATE_REACH]
    recording.features(-100, 10_000)
    assert len(asked) == 3
    assert sum(asked) == recording.n_frames + 3 * 2 * GATE_REACH


def test_it_knows_its_samples() -> None:
    audio = noise(1.0)
    recording = Recording(audio, ADAPTER, -65.0)
    assert recording.holds(audio)
    assert recording.holds(AudioBuffer("copy", audio.samples.copy(), 16_000))
    assert not recording.holds(AudioBuffer("faster", audio.samples, 22_050))
    assert not recording.holds(noise(1.0, seed=1))
    assert not recording.holds(noise(1.1))


def test_silence_has_no_frames() -> None:
    nothing = silence(ADAPTER)
    assert nothing.n_frames == 0
    assert nothing.features(-10, 10).shape == (ADAPTER.n_features, 0)
    assert nothing.loud(0, 0).shape == (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [44_101, 47_951, 11_027])
def test_a_rate_that_shares_nothing_with_ours_is_resampled_with_a_small_kernel(
    rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, make = [], sinc._filters
    monkeypatch.setattr(sinc, "_filters", lambda *sizes: made.append(make(*sizes)) or made[-1])
    time = np.arange(rate * 20) / rate
    audio = AudioBuffer("odd", np.sin(2 * np.pi * 440 * time).astype(np.float32), rate)
    resampled = Resampled(audio, 16_000, torch.device("cpu"))
    assert made[0].nbytes < 100e6  # bytes; exactly met, it would take gigabytes
    late = resampled.samples(19 * 16_000, 19 * 16_000 + 1600).numpy()
    expected = np.sin(2 * np.pi * 440 * (19 + np.arange(1600) / 16_000))
    np.testing.assert_allclose(late, expected, atol=2 * np.pi * 440 * 60e-6)  # within 60 microseconds after 19 s
