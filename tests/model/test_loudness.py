"""Velocities that follow the loudness."""

from __future__ import annotations

import pytest
import torch
from support.tiny import tiny_adapter

from diffroll_live.model.front_end import FrontEnd, FrontEndConfig
from diffroll_live.model.loudness import REACH, UNSCALED, VelocityScale, loudness

CONFIG = FrontEndConfig()


def heard(sound: torch.Tensor, audible: int | None = None) -> torch.Tensor:
    """The loudness of samples, of which the frames from ``audible`` on are masked."""
    features = FrontEnd(CONFIG)(sound[None])
    mask = torch.ones_like(features[:, :1])
    if audible is not None:
        mask[:, :, audible:] = 0
    return loudness(features, mask, CONFIG)[0]


def noise(n_samples: int = 32_000) -> torch.Tensor:
    return torch.randn(n_samples, generator=torch.Generator().manual_seed(0)) * 0.1


@pytest.mark.parametrize("factor", [0.5, 2.0, 4.0])
def test_it_rises_by_as_many_decibels_as_the_sound(factor: float) -> None:
    rise = heard(factor * noise()) - heard(noise())
    assert rise.mean() == pytest.approx(20 * torch.tensor(factor).log10().item(), abs=0.1)


def test_it_looks_only_around_a_frame() -> None:
    sound = noise()
    sound[16_000:] *= 0.1
    level = heard(sound)
    middle = 16_000 // CONFIG.hop_length
    apart = REACH + CONFIG.n_fft // CONFIG.hop_length
    assert torch.allclose(level[: middle - apart], heard(noise())[: middle - apart])
    assert level[middle + apart :].mean() - level[: middle - apart].mean() == pytest.approx(-20, abs=1)


def test_frames_without_audio_do_not_count() -> None:
    wanted, found = heard(noise()), heard(noise(), audible=60)
    assert found[:60] == pytest.approx(wanted[:60], abs=1.5)  # an average of fewer frames, not of silence
    assert found[60 + REACH + 1 :].abs().max() == 0


def test_a_scale_is_linear_and_stays_in_range() -> None:
    velocity = torch.tensor([[[0.1, 0.5, 0.99]]])
    scaled = VelocityScale(50.0, 1.5, 1.0)(velocity, torch.tensor([[-40.0]])) * 127
    assert scaled.flatten().tolist() == pytest.approx([10 + 1.5 * 12.7, 10 + 1.5 * 63.5, 127])
    assert (VelocityScale(0.0, 1.0, 1.0)(velocity, torch.tensor([[-90.0]])) * 127).min() == pytest.approx(1)


def test_scales_follow_one_another() -> None:
    first, second = VelocityScale(10.0, 0.8, 0.2), VelocityScale(-5.0, 1.2, 0.3)
    velocity, level = torch.full((1, 3, 88), 0.5), torch.tensor([[-20.0, -10.0, 0.0]])
    assert torch.allclose(second.after(first)(velocity, level), second(first(velocity, level), level))
    assert first.after(UNSCALED) == first


def test_a_model_with_a_scale_changes_nothing_but_velocities() -> None:
    plain, scaled = tiny_adapter(), tiny_adapter(velocity_scale=VelocityScale(30.0, 1.0, 0.4))
    features = plain.features(noise())
    windows, mask = plain.cut(features, [0])
    posteriors = []
    for adapter in (plain, scaled):
        encoded = adapter.encode(windows, mask)
        x0 = torch.zeros((1, 3, plain.window_frames, 88))
        x0[:, 2] = -0.4
        posteriors.append(adapter.posteriors(x0, encoded)[0])
    one, two = posteriors
    assert all(torch.equal(getattr(one, n), getattr(two, n)) for n in ("onset", "frame", "onset_shift", "offset_shift"))
    assert not torch.allclose(one.velocity, two.velocity)
