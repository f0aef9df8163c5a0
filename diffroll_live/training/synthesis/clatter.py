"""Sounds that are struck or hum and must be transcribed as no notes: drums, applause, the mains.

Every sound of a kit is a decaying sine that falls in pitch, decaying noise, or both, drawn anew for each window.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.types import Floats

LEVEL = 0.1  # RMS
STEPS = 16  # of a bar
KIT = {  # probability of a stroke on a strong, and on any other step
    "kick": (0.75, 0.12),
    "snare": (0.35, 0.10),
    "hat": (0.85, 0.55),
    "tom": (0.08, 0.06),
    "cymbal": (0.06, 0.01),
}
CLAPS = (15.0, 400.0)  # a second


def drums(n: int, rng: np.random.Generator) -> Floats:
    """A drummer on a kit; (n,) at the bank's rate."""
    step = int(60 / rng.uniform(60, 180) / 4 * SAMPLE_RATE)
    out = np.zeros(n, np.float32)
    for name, shares in KIT.items():
        sound, loose = _stroke(name, rng), rng.uniform(0, 0.01) * SAMPLE_RATE
        pattern = [rng.random() < shares[0 if at % 4 == 0 else 1] for at in range(STEPS)]
        for at in range(-(-n // step)):
            if pattern[at % STEPS] or rng.random() < 0.03:
                begin = max(int(at * step + rng.normal(0, loose)), 0)
                part = sound[: max(n - begin, 0)]
                out[begin : begin + len(part)] += part * np.float32(rng.uniform(0.3, 1.0))
    return _at_level(out)


def applause(n: int, rng: np.random.Generator) -> Floats:
    """A few hands or a hall of them; (n,) at the bank's rate."""
    rate = float(np.exp(rng.uniform(*np.log(CLAPS))))
    claps = np.zeros(n, np.float32)
    np.add.at(claps, rng.integers(0, n, rng.poisson(rate * n / SAMPLE_RATE) + 1), 1.0)
    length = int(rng.uniform(0.004, 0.02) * SAMPLE_RATE)
    hand = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 4))
    n_fft = n + length
    sound = np.fft.irfft(np.fft.rfft(claps, n_fft) * np.fft.rfft(hand, n_fft), n_fft)[:n]
    swell = np.interp(np.arange(n), np.linspace(0, n, 6), rng.uniform(0.2, 1.0, 6))
    return _at_level(sound * swell)


def mains(n: int, rng: np.random.Generator) -> Floats:
    """The hum of the mains, with hiss; (n,) at the bank's rate."""
    time = np.arange(n) / SAMPLE_RATE
    frequency = rng.choice([50.0, 60.0]) * rng.uniform(0.998, 1.002)
    harmonics = np.arange(1, 13)[:, None]
    amplitudes = rng.uniform(0, 1, harmonics.shape) / harmonics ** rng.uniform(0.3, 2)
    hum = (amplitudes * np.sin(2 * np.pi * frequency * harmonics * time + rng.uniform(0, 6.3))).sum(axis=0)
    return _at_level(hum + rng.uniform(0, 0.3) * rng.standard_normal(n))


def _stroke(name: str, rng: np.random.Generator) -> Floats:
    match name:
        case "kick":
            return _tone(rng, rng.uniform(90, 220), rng.uniform(38, 65), rng.uniform(0.05, 0.25)) + _burst(
                rng, 0.004, 0.2
            )
        case "snare":
            tone = 0.5 * _tone(rng, rng.uniform(180, 260), rng.uniform(140, 180), rng.uniform(0.03, 0.1))
            return tone + _burst(rng, rng.uniform(0.04, 0.15), 0.8)
        case "tom":
            low = rng.uniform(60, 180)
            return _tone(rng, 1.5 * low, low, rng.uniform(0.1, 0.35))
        case "cymbal":
            return _burst(rng, rng.uniform(0.3, 1.2), 0.4)
    return _burst(rng, rng.uniform(0.01, 0.12), 0.3)


def _tone(rng: np.random.Generator, begin: float, end: float, decay: float) -> Floats:
    """A sine that falls from one frequency to another; both in Hz, ``decay`` in s to 1/e."""
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    frequency = end + (begin - end) * np.exp(-time / (decay * rng.uniform(0.1, 0.5)))
    phase = 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE
    return (np.sin(phase) * np.exp(-time / decay)).astype(np.float32)


def _burst(rng: np.random.Generator, decay: float, level: float) -> Floats:
    """Noise above a few kHz that decays in ``decay`` s to 1/e."""
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.diff(rng.standard_normal(len(time) + 1))
    return (level * noise * np.exp(-time / decay)).astype(np.float32)


def _at_level(samples: npt.NDArray[np.floating]) -> Floats:
    return (samples * (LEVEL / (np.sqrt(np.mean(samples**2)) + 1e-9))).astype(np.float32)
