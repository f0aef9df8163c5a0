"""Applies the effects drawn by ``augment`` to a batch of windows: on any device, each effect to all windows at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from diffroll_live.training.synthesis.augment import BANDS, Effects, draw_effects, fast_length
from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.training.synthesis.codec import transcode
from diffroll_live.types import Floats

LOWEST = 40.0  # Hz, lowest band of the equalizer; the highest is half the sample rate
SILENT = 1e-4  # a peak, or an RMS, below which there is no signal
TAIL = SAMPLE_RATE  # samples that a room may ring on, so that nothing wraps around


def perform(samples: Tensor, effects: Sequence[Effects]) -> Tensor:
    """Process (batch, n_samples) audio, one row for each of ``effects``; full scale is 1 and is never exceeded."""
    out = _filtered(samples, effects)
    out = out * _gains(out, effects)
    out = _driven(out, effects)
    out = out + _noises(out, effects)
    return _coded(out, effects).clamp(-1, 1)


def augment(samples: Floats, rng: np.random.Generator, *, amount: float = 1.0) -> Floats:
    """Apply random effects to (n_samples,) audio."""
    return np.asarray(perform(torch.from_numpy(samples)[None], [draw_effects(rng, amount)])[0].numpy())


def _filtered(samples: Tensor, effects: Sequence[Effects]) -> Tensor:
    """Room, equalizer and band limits, as one multiplication in the frequency domain."""
    rows = [i for i, e in enumerate(effects) if e.room is not None or e.equaliser is not None or e.band is not None]
    if not rows:
        return samples
    n = samples.shape[1]
    n_fft = fast_length(n + TAIL)
    frequencies = torch.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE, device=samples.device)
    chosen = [effects[row] for row in rows]
    spectrum = torch.fft.rfft(samples[rows], n_fft)
    spectrum *= _equalisers(chosen, frequencies) * _bands(chosen, frequencies)
    for row, each in enumerate(chosen):
        if each.room is not None:
            spectrum[row] *= torch.fft.rfft(torch.from_numpy(each.room).to(samples.device), n_fft)
    out = samples.clone()
    out[rows] = torch.fft.irfft(spectrum, n_fft)[:, :n]
    return out


def _equalisers(effects: Sequence[Effects], frequencies: Tensor) -> Tensor:
    """Gains interpolated linearly over the logarithm of frequency; (batch, n_frequencies)."""
    flat = torch.zeros(BANDS)
    points = [flat if e.equaliser is None else torch.from_numpy(e.equaliser) for e in effects]
    decibels = torch.stack(points).to(frequencies.device)
    octaves = torch.log(frequencies.clamp(min=LOWEST) / LOWEST) / math.log(SAMPLE_RATE / 2 / LOWEST)
    position = octaves.clamp(0, 1) * (BANDS - 1)
    below = position.long().clamp(max=BANDS - 2)
    share = position - below
    return 10 ** ((decibels[:, below] * (1 - share) + decibels[:, below + 1] * share) / 20)


def _bands(effects: Sequence[Effects], frequencies: Tensor) -> Tensor:
    limits = torch.tensor([(0.0, 1e9) if e.band is None else e.band for e in effects], device=frequencies.device)
    safe, (low, high) = frequencies.clamp(min=1), limits[:, :, None].unbind(1)
    return 1 / torch.sqrt(1 + (low / safe) ** 4) / torch.sqrt(1 + (safe / high) ** 8)


def _gains(samples: Tensor, effects: Sequence[Effects]) -> Tensor:
    peak = samples.abs().amax(dim=1, keepdim=True)
    near, far = (_column(samples, [getattr(e, name) for e in effects]) for name in ("near", "far"))
    as_played = _column(samples, [float(e.as_played) for e in effects]) > 0
    return torch.where(as_played | (peak < SILENT), _amplitude(near), _amplitude(far) / peak.clamp(min=SILENT))


def _driven(samples: Tensor, effects: Sequence[Effects]) -> Tensor:
    if all(e.drive is None for e in effects):
        return samples
    used = _column(samples, [float(e.drive is not None) for e in effects]) > 0
    drive = _amplitude(_column(samples, [e.drive or 0.0 for e in effects]))
    return torch.where(used, torch.tanh(samples * drive) / drive, samples)


def _noises(samples: Tensor, effects: Sequence[Effects]) -> Tensor:
    """Coloured noise and hum, at a level below the signal, or at a floor where there is none."""
    rows = [i for i, e in enumerate(effects) if e.noise is not None]
    out = torch.zeros_like(samples)
    if not rows:
        return out
    n = samples.shape[1]
    n_fft = fast_length(n)
    chosen = [effects[row] for row in rows]
    frequencies = torch.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE, device=samples.device).clamp(min=20)
    drawn = [each.noise for each in chosen if each.noise is not None]
    white = torch.stack([_white(seed, n_fft, samples.device) for seed, _ in drawn])
    colour = frequencies ** -_column(samples, [power for _, power in drawn])
    noise = torch.fft.irfft(torch.fft.rfft(white) * colour, n_fft)[:, :n]
    noise = noise / (_power(noise) + 1e-9) + _hums(chosen, n, samples.device)
    power = _power(samples[rows])
    floor, below = (_column(samples, [getattr(e, name) for e in chosen]) for name in ("floor", "below"))
    out[rows] = noise * torch.where(power > SILENT, power, _amplitude(floor)) * _amplitude(-below)
    return out


def _white(seed: int, n: int, device: torch.device) -> Tensor:
    return torch.randn(n, device=device, generator=torch.Generator(device).manual_seed(seed))


def _hums(effects: Sequence[Effects], n: int, device: torch.device) -> Tensor:
    out = torch.zeros(len(effects), n, device=device)
    time = torch.arange(n, device=device) / SAMPLE_RATE
    for row, each in enumerate(effects):
        if each.hum is not None:
            mains, amplitudes = each.hum
            harmonics = torch.arange(1, len(amplitudes) + 1, device=device)[:, None]
            waves = torch.sin(2 * math.pi * mains * harmonics * time)
            out[row] = (torch.from_numpy(amplitudes).to(device)[:, None] * waves).sum(dim=0)
    return out


def _coded(samples: Tensor, effects: Sequence[Effects]) -> Tensor:
    rows = [i for i, e in enumerate(effects) if e.codec is not None]
    if not rows:
        return samples
    codecs = torch.tensor([effects[row].codec for row in rows], device=samples.device)
    out = samples.clone()
    out[rows] = transcode(samples[rows], _amplitude(codecs[:, :1]), codecs[:, 1:])
    return out


def _power(samples: Tensor) -> Tensor:
    return samples.square().mean(dim=1, keepdim=True).sqrt()


def _amplitude(decibels: Tensor) -> Tensor:
    return 10 ** (decibels / 20)


def _column(like: Tensor, values: Sequence[float]) -> Tensor:
    """Per-window numbers as a (batch, 1) tensor."""
    return torch.tensor(values, dtype=torch.float32, device=like.device)[:, None]
