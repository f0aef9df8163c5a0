"""The level of a whole recording, put where the models were trained. A recording of a usual level stays as it is."""

from __future__ import annotations

import math

import numpy as np

from diffroll_live.types import Floats

_FRAMES_PER_SECOND = 50
_SHORTEST = 0.1  # s; less has no level
_LOUD = 95.0  # percentile of the frames that sound
_SOUNDS = 1e-8  # of the power of the peak
_USUAL = -16.0  # dB of full scale, of loud frames
_QUIET, _OVERLOADED = -42.0, -6.0  # dB, beyond which a recording is not left as it is ...
_OVERSHOOT = 2.0  # ... and a peak that neither a file of integers nor a decoder reaches: what is clipped stays clipped
_AUDIBLE = 10 ** (-90 / 20)  # peak


def is_audible(samples: Floats) -> bool:
    """Whether anything in (n_samples,) rises above the noise of 16 bits."""
    return _peak(samples) > _AUDIBLE


def at_usual_level(samples: Floats, sample_rate: int) -> Floats:
    """Multiply (n_samples,), all finite, by a power of two where it is far too quiet or too loud for a model.

    Nothing is made louder than full scale.
    """
    peak = _peak(samples)
    if peak <= _AUDIBLE or len(samples) < _SHORTEST * sample_rate:
        return samples
    level = _level(samples, sample_rate, peak)
    if not (level < _QUIET or (level > _OVERLOADED and peak > _OVERSHOOT)):
        return samples
    steps = round((_USUAL - level) / (20 * math.log10(2)))
    if steps > 0:
        steps = min(steps, math.floor(-math.log2(peak)))
    return samples * np.float32(2.0**steps)


def _peak(samples: Floats) -> float:
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))


def _level(samples: Floats, sample_rate: int, peak: float) -> float:
    """The level of the loud frames, in dB of full scale."""
    size = sample_rate // _FRAMES_PER_SECOND
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    powers = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / size
    sounding = powers[powers > min(peak**2 * _SOUNDS, powers.max() / 2)]
    return 10 * math.log10(float(np.percentile(sounding, _LOUD))) if len(sounding) else 20 * math.log10(peak)
