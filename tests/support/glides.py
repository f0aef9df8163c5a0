"""Sounds whose pitch moves along a known curve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

RATE = 16_000
Times = npt.NDArray[np.float64]
Curve = Callable[[Times], Times]  # semitones from the pitch, by seconds after the onset

CURVES: dict[str, Curve] = {
    "steady": lambda t: 0 * t,
    "glide": lambda t: np.clip((t - 0.3) / 0.4, 0, 1) - 0.5,
    "vibrato": lambda t: 0.4 * np.sin(2 * np.pi * 5.5 * t),
    "scoop": lambda t: -1.5 * np.exp(-t / 0.15),
}


def tone(pitch: int, curve: Curve, seconds: float = 1.0, n_partials: int = 8, level: float = 0.2) -> Times:
    """A harmonic sound of a pitch that moves, with soft edges."""
    t = np.arange(round(seconds * RATE)) / RATE
    frequency = 440 * 2 ** ((pitch - 69 + curve(t)) / 12)
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    partials = [h for h in range(1, n_partials + 1) if frequency.max() * h < RATE / 2]
    sound = sum(np.sin(h * phase) / h for h in partials)
    sounding: Times = level * sound * np.clip(t / 0.02, 0, 1) * np.clip((seconds - t) / 0.03, 0, 1)
    return sounding


def scene(*sounds: tuple[float, Times], seconds: float, noise: float = 0.0) -> Times:
    """Sounds from their onsets on, in a little noise."""
    out = noise * np.random.default_rng(0).standard_normal(round(seconds * RATE))
    for onset, sound in sounds:
        first = round(onset * RATE)
        out[first : first + len(sound)] += sound
    return out
