"""What happens to a piano between the strings and a file: rooms, equalisers, noise, levels, clipping, bands, codecs."""

from __future__ import annotations

import numpy as np

from diffroll_live.training.bank import SAMPLE_RATE
from diffroll_live.training.codec import coded
from diffroll_live.types import Floats


def augment(samples: Floats, rng: np.random.Generator, *, amount: float = 1.0) -> Floats:
    """Colour (n_samples,) audio at random; ``amount`` 0 to 1 is the chance that each effect is used at all.

    Room, equaliser and band limits are one multiplication in the frequency domain.
    """
    n_fft = _fast_length(len(samples) + SAMPLE_RATE)
    response = np.ones(n_fft // 2 + 1, np.complex64)
    frequencies = np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE)
    if rng.random() < 0.7 * amount:
        response *= np.fft.rfft(room(rng), n_fft)
    if rng.random() < 0.8 * amount:
        response *= _equaliser(frequencies, rng)
    if rng.random() < 0.15 * amount:
        response *= _band(frequencies, rng)
    if not np.all(response == 1):
        samples = np.fft.irfft(np.fft.rfft(samples, n_fft) * response, n_fft)[: len(samples)].astype(np.float32)
    peak = float(np.abs(samples).max()) + 1e-9
    samples = samples * np.float32(_gain(peak, rng))
    if rng.random() < 0.15 * amount:
        drive = np.float32(10 ** (rng.uniform(0, 12) / 20))
        samples = np.tanh(samples * drive) / drive
    if rng.random() < 0.7 * amount:
        samples = samples + noise(len(samples), rng) * _noise_level(samples, rng)
    if rng.random() < 0.12 * amount:
        samples = coded(samples, rng)
    return np.clip(samples, -1, 1).astype(np.float32)


def _gain(peak: float, rng: np.random.Generator) -> float:
    """Mostly about the level that the mixer gives, from which velocities can be told; else any level."""
    if peak < 1e-4 or rng.random() < 0.7:
        return float(10 ** (rng.uniform(-2, 2) / 20))
    return float(10 ** (rng.uniform(-30, -1) / 20) / peak)


def room(rng: np.random.Generator) -> Floats:
    """A room as exponentially decaying noise after the direct sound; (n,) with the direct sound at 0.

    The decay time to -60 dB is log-uniform over 0.15 to 1.6 s, the ratio of direct to late sound 14 to -2 dB.
    """
    decay = np.exp(rng.uniform(np.log(0.15), np.log(1.6)))
    n = min(int(decay * SAMPLE_RATE), SAMPLE_RATE)
    time = np.arange(n) / SAMPLE_RATE
    tail = rng.standard_normal(n).astype(np.float32) * 10 ** (-3 * time / decay)
    gap = int(rng.uniform(0.001, 0.02) * SAMPLE_RATE)
    tail[: min(gap, n)] = 0
    soften = np.exp(-np.arange(16) / rng.uniform(0.5, 6))
    tail = np.convolve(tail, soften / soften.sum())[:n]
    tail *= 10 ** (rng.uniform(-14, 2) / 20) / (np.sqrt(np.sum(tail**2)) + 1e-9)
    tail[0] += 1
    return tail.astype(np.float32)


def _equaliser(frequencies: Floats, rng: np.random.Generator) -> Floats:
    """Gains at eight frequencies, 4 dB standard deviation, and a tilt of up to 3 dB an octave either way."""
    points = np.geomspace(40, SAMPLE_RATE / 2, 8)
    gains = rng.normal(0, 4, 8) + rng.uniform(-1.5, 1.5) * np.linspace(-3.5, 3.5, 8)
    decibels = np.interp(np.log(np.maximum(frequencies, 20)), np.log(points), gains)
    return (10 ** (decibels / 20)).astype(np.float32)


def _band(frequencies: Floats, rng: np.random.Generator) -> Floats:
    low, high = rng.uniform(20, 250), rng.uniform(3000, 7500)
    safe = np.maximum(frequencies, 1)
    return (1 / np.sqrt(1 + (low / safe) ** 4) / np.sqrt(1 + (safe / high) ** 8)).astype(np.float32)


def noise(n: int, rng: np.random.Generator) -> Floats:
    """Noise of unit power with a spectrum from white to brown, now and then with mains hum; (n,)."""
    n_fft = _fast_length(n)
    frequencies = np.maximum(np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE), 20)
    spectrum = np.fft.rfft(rng.standard_normal(n_fft).astype(np.float32)) * frequencies ** -rng.uniform(0, 1)
    out = np.fft.irfft(spectrum, n_fft)[:n].astype(np.float32)
    out /= np.sqrt(np.mean(out**2)) + 1e-9
    if rng.random() < 0.2:
        time = np.arange(n) / SAMPLE_RATE
        mains = rng.choice([50.0, 60.0])
        hum = sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * mains * k * time) for k in range(1, 6))
        out += np.asarray(hum, np.float32) * np.float32(rng.uniform(0, 2))
    return out


def _noise_level(samples: Floats, rng: np.random.Generator) -> np.float32:
    """The factor that brings unit noise 12 to 55 dB below the signal, or to a quiet floor under silence."""
    power = float(np.sqrt(np.mean(samples**2)))
    reference = power if power > 1e-4 else 10 ** (rng.uniform(-60, -15) / 20)
    return np.float32(reference * 10 ** (-rng.uniform(12, 55) / 20))


def _fast_length(n: int) -> int:
    """The next length that splits into twos and one three, for a quick transform."""
    power = 1 << (n - 1).bit_length()
    return power * 3 // 4 if power * 3 // 4 >= n else power
