"""What happens between a piano's strings and a file: rooms, equalizers, noise, levels, clipping, band limits, codecs.

Here it is only drawn, as a few numbers per window; ``effects`` applies it to a whole batch on the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.types import Floats

BANDS = 8  # of the equalizer
FAR_ROOM = 7.0  # dB by which a microphone in training may hear more of the room than of the piano


@dataclass(frozen=True, slots=True)
class Effects:
    """The effects on a window. Levels are in dB; None means that an effect is off."""

    room: Floats | None  # (n,) impulse response, the direct sound first
    equaliser: Floats | None  # (BANDS,) gains
    band: tuple[float, float] | None  # Hz
    as_played: bool  # whether the level stays close to the mixer's
    near: float  # dB of change if so
    far: float  # dB of the peak otherwise
    drive: float | None  # into a soft clipper
    noise: tuple[int, float] | None  # the seed of white noise, and the exponent of 1 / frequency that colours it
    hum: tuple[float, Floats] | None  # Hz of the mains, and (5,) amplitudes of its harmonics
    below: float  # dB of the noise below the signal
    floor: float  # dBFS of the noise where there is silence
    codec: tuple[float, float] | None  # signal-to-noise ratio in each band, and cut-off in Hz


def draw_effects(rng: np.random.Generator, amount: float) -> Effects:
    """Draw the effects on a window; ``amount``, 0 to 1, scales the probability of each effect.

    The level mostly stays close to the mixer's, from which velocities can be inferred.
    """

    def chance(share: float) -> bool:
        return bool(rng.random() < share * amount)

    noisy = chance(0.7)
    return Effects(
        room=room(rng, farthest=FAR_ROOM) if chance(0.7) else None,
        equaliser=_equaliser(rng) if chance(0.8) else None,
        band=(rng.uniform(20, 250), rng.uniform(3000, 7500)) if chance(0.15) else None,
        as_played=bool(rng.random() < 0.7),
        near=rng.uniform(-2, 2),
        far=rng.uniform(-45, -1),
        drive=rng.uniform(0, 12) if chance(0.15) else None,
        noise=(int(rng.integers(2**31)), rng.uniform(0, 1)) if noisy else None,
        hum=_hum(rng) if noisy and rng.random() < 0.2 else None,
        below=rng.uniform(12, 55),
        floor=rng.uniform(-60, -15),
        codec=(rng.uniform(6, 24), rng.uniform(3500, SAMPLE_RATE / 2)) if chance(0.12) else None,
    )


def room(rng: np.random.Generator, *, farthest: float = 2.0) -> Floats:
    """An impulse response of exponentially decaying noise; (n,) with the direct sound at 0.

    The decay time to -60 dB is log-uniform over 0.15 to 1.6 s; the ratio of direct to late sound is 14 to -``farthest``
    dB.
    """
    decay = np.exp(rng.uniform(np.log(0.15), np.log(1.6)))
    n = min(int(decay * SAMPLE_RATE), SAMPLE_RATE)
    time = np.arange(n) / SAMPLE_RATE
    tail = rng.standard_normal(n).astype(np.float32) * 10 ** (-3 * time / decay)
    gap = int(rng.uniform(0.001, 0.02) * SAMPLE_RATE)
    tail[: min(gap, n)] = 0
    soften = np.exp(-np.arange(16) / rng.uniform(0.5, 6))
    tail = np.convolve(tail, soften / soften.sum())[:n]
    tail *= 10 ** (rng.uniform(-14, farthest) / 20) / (np.sqrt(np.sum(tail**2)) + 1e-9)
    tail[0] += 1
    return tail.astype(np.float32)


def _equaliser(rng: np.random.Generator) -> Floats:
    """Gains of BANDS frequencies, 4 dB standard deviation, and a tilt of up to 1.5 dB per band either way."""
    gains = rng.normal(0, 4, BANDS) + rng.uniform(-1.5, 1.5) * np.linspace(-3.5, 3.5, BANDS)
    return gains.astype(np.float32)


def _hum(rng: np.random.Generator) -> tuple[float, Floats]:
    amplitudes = rng.uniform(0, 1, 5) / np.arange(1, 6) * rng.uniform(0, 2)
    return float(rng.choice([50.0, 60.0])), amplitudes.astype(np.float32)


def noise(n: int, rng: np.random.Generator) -> Floats:
    """Noise of unit power with a spectrum from white to brown, occasionally with mains hum; (n,)."""
    n_fft = fast_length(n)
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


def fast_length(n: int) -> int:
    """The next length that factors into twos and at most one three, for a fast transform."""
    power = 1 << (n - 1).bit_length()
    return power * 3 // 4 if power * 3 // 4 >= n else power
