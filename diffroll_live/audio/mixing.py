"""Many channels to one: the mean of those that sound, with those that are inverted turned round. No files."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from diffroll_live.types import Floats

_SOUNDING = 1e-4  # of the power of the loudest channel; 40 dB below it, a channel is silent
_CANCELLED = 0.1  # of the power that channels would have together if they had nothing in common
_FEWEST = 1024  # frames; fewer say nothing about channels
_INVERTED = "Its channels cancel each other; those that are inverted were turned round before they were mixed."


@dataclass(frozen=True, slots=True)
class Mix:
    """What each channel is multiplied by, (n_channels,), before they are added; and what is to be said about it."""

    weights: Floats
    remark: str = ""

    @property
    def is_mean(self) -> bool:
        """Whether it is the mean of all channels."""
        return bool((self.weights == np.float32(1 / len(self.weights))).all())

    def apply(self, samples: npt.NDArray[np.generic]) -> Floats:
        """Mix (n_frames, n_channels) of any number type to (n_frames,) float32."""
        with np.errstate(over="ignore", invalid="ignore"):
            mixed: Floats = np.matmul(samples, self.weights, dtype=np.float32)
        return mixed


@dataclass(slots=True)
class ChannelSums:
    """Sums over all samples of a recording, from which its mix is chosen."""

    n_channels: int
    _frames: int = 0
    _sums: npt.NDArray[np.float64] = field(init=False)
    _products: npt.NDArray[np.float64] = field(init=False)  # (n_channels, n_channels)

    def __post_init__(self) -> None:
        self._sums = np.zeros(self.n_channels)
        self._products = np.zeros((self.n_channels, self.n_channels))

    @property
    def _mean(self) -> Mix:
        return Mix(np.full(self.n_channels, 1 / self.n_channels, np.float32))

    def add(self, samples: npt.NDArray[np.generic]) -> None:
        """Take the next (n_frames, n_channels)."""
        with np.errstate(over="ignore", invalid="ignore"):
            values = samples.astype(np.float64)
            self._frames += len(values)
            self._sums += values.sum(axis=0)
            self._products += values.T @ values

    def mix(self) -> Mix:
        """Choose the mix; the mean of all channels where little or nothing sounds, or something is not a number."""
        if self._frames < _FEWEST:
            return self._mean
        means = self._sums / max(self._frames, 1)
        shared = self._products / max(self._frames, 1) - np.outer(means, means)
        powers = np.diag(shared)
        sounding = powers > powers.max() * _SOUNDING
        if not (np.isfinite(shared).all() and sounding.any()):
            return self._mean
        weights = sounding / sounding.sum()
        if weights @ shared @ weights > _CANCELLED * (weights**2 @ powers):
            return Mix(weights.astype(np.float32))
        turned = np.where(shared[sounding.argmax()] < 0, -weights, weights)
        return Mix(turned.astype(np.float32), _INVERTED)
