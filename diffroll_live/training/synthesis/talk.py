"""Synthetic speech-like sounds: voices with a gliding pitch, which must be transcribed as no notes.

Harmonics glide through three formants, with breath noise in between: a minimal form of the source-filter model (Fant,
Acoustic Theory of Speech Production, 1960).
"""

from __future__ import annotations

import numpy as np

from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.types import Floats

FORMANTS = ((250.0, 850.0), (700.0, 2400.0), (1800.0, 3400.0))  # Hz, from and to
WIDTH = 90.0  # Hz, of a formant
SYLLABLE = (0.06, 0.35)  # s
VOICED_SHARE, PAUSE_SHARE = 0.75, 0.12  # of syllables
LEVEL = 0.1  # RMS


def talk(n: int, rng: np.random.Generator) -> Floats:
    """Speech-like sound; (n,) at the bank's rate, at LEVEL before the pauses."""
    voice = rng.uniform(75, 290)  # Hz
    parts: list[Floats] = []
    length = 0
    while length < n:
        size = int(rng.uniform(*SYLLABLE) * SAMPLE_RATE)
        parts.append(_syllable(size, voice, rng))
        length += size
    samples = np.concatenate(parts)[:n]
    return (samples * (LEVEL / (np.sqrt(np.mean(samples**2)) + 1e-9))).astype(np.float32)


def _syllable(n: int, voice: float, rng: np.random.Generator) -> Floats:
    kind = rng.random()
    if kind < PAUSE_SHARE:
        return np.zeros(n, np.float32)
    if kind < PAUSE_SHARE + VOICED_SHARE:
        source = _harmonics(n, voice, rng)
        shaped = _through(source, [rng.uniform(*span) for span in FORMANTS])
    else:
        hiss = rng.standard_normal(n).astype(np.float32)
        shaped = 0.3 * _through(hiss, [rng.uniform(2500, 6500)], 1500.0)
    swell = np.sin(np.pi * np.linspace(0, 1, n)) ** rng.uniform(0.3, 1.2)
    return (shaped * swell * rng.uniform(0.3, 1.0)).astype(np.float32)


def _harmonics(n: int, voice: float, rng: np.random.Generator) -> Floats:
    """A sawtooth that glides by up to a fifth, with vibrato."""
    begin, end = voice * 2.0 ** (rng.normal(0, 0.25, 2))
    time = np.linspace(0, 1, n)
    tremble = 0.01 * np.sin(2 * np.pi * (rng.uniform(4, 8) * n / SAMPLE_RATE * time + rng.random()))
    frequency = begin * (end / begin) ** time * (1 + tremble)
    phase = np.cumsum(frequency) / SAMPLE_RATE + rng.random()
    saw = 2 * (phase % 1.0) - 1 + 0.05 * rng.standard_normal(n)
    return saw.astype(np.float32)


def _through(source: Floats, formants: list[float], width: float = WIDTH) -> Floats:
    """Filter a syllable through resonances, each half as strong as the one below it."""
    frequencies = np.fft.rfftfreq(len(source), 1 / SAMPLE_RATE)
    gain = sum(0.5**i / (1 + ((frequencies - f) / width) ** 2) for i, f in enumerate(formants)) + 0.02
    shaped = np.fft.irfft(np.fft.rfft(source) * gain, len(source))
    return (shaped / (np.abs(shaped).max() + 1e-9)).astype(np.float32)
