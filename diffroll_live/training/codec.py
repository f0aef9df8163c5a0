"""What a lossy codec leaves of a sound, without one: the same on every machine, and quick enough to train with.

Like MP3 and its kin (Brandenburg and Stoll, 1994) it turns overlapping blocks into cosine coefficients (MDCT) and
rounds each band of them as coarsely as the ear is said to bear: noise follows the music in time and pitch, spreads
before an attack, and what is faint beside its neighbours is gone, as is what lies above a cut-off.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from diffroll_live.training.bank import SAMPLE_RATE
from diffroll_live.types import Floats

BLOCK = 512  # samples a block advances, and coefficients it has; 32 ms
BANDS = 24  # about as many as the ear has
FAINT = 1e-3  # of the loudest band of a block; softer ones are not coded


def coded(samples: Floats, rng: np.random.Generator) -> Floats:
    """Code (n_samples,) at random quality: 6 to 24 dB from signal to noise in each band, cut off at 3.5 to 8 kHz."""
    quality = 10 ** (rng.uniform(6, 24) / 20)
    cut = int(rng.uniform(3500, SAMPLE_RATE / 2) / (SAMPLE_RATE / 2) * BLOCK)
    return transcode(samples, quality, cut)


def transcode(samples: Floats, quality: float, cut: int) -> Floats:
    """Round the coefficients of each band to noise ``quality`` times below its level; drop those from ``cut`` on."""
    basis, window = _basis(), _window()
    n_blocks = -(-len(samples) // BLOCK) + 1
    padded = np.zeros((n_blocks + 1) * BLOCK, np.float32)
    padded[BLOCK : BLOCK + len(samples)] = samples
    blocks = np.lib.stride_tricks.sliding_window_view(padded, 2 * BLOCK)[::BLOCK]
    coefficients = (blocks * window) @ basis
    coefficients[:, cut:] = 0
    level = np.sqrt(np.add.reduceat(coefficients**2, _edges(), axis=1) / _widths())
    level = np.where(level > FAINT * level.max(axis=1, keepdims=True), level, np.inf)
    step = (level * np.sqrt(12) / quality).repeat(
        _widths(), axis=1
    )  # rounding by a step makes noise of step / sqrt(12)
    rounded = np.where(np.isfinite(step), np.rint(coefficients / step) * np.where(np.isfinite(step), step, 0), 0)
    back = (rounded.astype(np.float32) @ basis.T) * window
    out = np.zeros_like(padded)
    out[: n_blocks * BLOCK] += back[:, :BLOCK].ravel()
    out[BLOCK:] += back[:, BLOCK:].ravel()
    return out[BLOCK : BLOCK + len(samples)]


@lru_cache(1)
def _basis() -> npt.NDArray[np.float32]:
    """The cosines of the MDCT, (2 BLOCK, BLOCK), orthonormal together with the window."""
    n, k = np.arange(2 * BLOCK)[:, None], np.arange(BLOCK)[None]
    cosines = np.cos(np.pi / BLOCK * (n + 0.5 + BLOCK / 2) * (k + 0.5))
    return (cosines * np.sqrt(2 / BLOCK)).astype(np.float32)


@lru_cache(1)
def _window() -> npt.NDArray[np.float32]:
    return np.sin(np.pi / (2 * BLOCK) * (np.arange(2 * BLOCK) + 0.5)).astype(np.float32)


@lru_cache(1)
def _edges() -> npt.NDArray[np.int64]:
    """Where bands begin: narrow ones at the bottom, wider ones above."""
    return np.unique(np.concatenate([[0], np.geomspace(4, BLOCK, BANDS)[:-1].astype(np.int64)]))


def _widths() -> npt.NDArray[np.int64]:
    return np.diff(_edges(), append=BLOCK)
