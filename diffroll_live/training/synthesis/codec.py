"""A simulated lossy codec: the same on every machine, and fast enough for training.

Like MP3 and its relatives (Brandenburg and Stoll, 1994) it turns overlapping blocks into cosine coefficients (MDCT) and
quantizes each band as coarsely as masking allows. The noise follows the music in time and pitch and spreads before an
attack; whatever is faint beside its neighbours, or above a cut-off, is removed.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from diffroll_live.training.synthesis.bank import SAMPLE_RATE

BLOCK = 512  # samples between blocks, and coefficients per block; 32 ms
BANDS = 24  # about as many as the critical bands of the ear
FAINT = 1e-3  # of the loudest band of a block; softer bands are dropped


def transcode(samples: Tensor, quality: Tensor, cut: Tensor) -> Tensor:
    """Quantize each band with noise ``quality`` times below it, and remove everything above ``cut``.

    samples: (batch, n_samples); quality, an amplitude, and cut, in Hz: (batch, 1).
    """
    batch, n = samples.shape
    basis, window, band = (each.to(samples.device) for each in _tables())
    n_blocks = -(-n // BLOCK) + 1
    padded = torch.nn.functional.pad(samples, (BLOCK, n_blocks * BLOCK - n))
    coefficients = (padded.unfold(1, 2 * BLOCK, BLOCK) * window) @ basis
    centres = (torch.arange(BLOCK, device=samples.device) + 0.5) * (SAMPLE_RATE / 2 / BLOCK)
    coefficients = torch.where(centres < cut[:, :, None], coefficients, 0.0)
    sums = samples.new_zeros(batch, n_blocks, int(band.max()) + 1)
    level = sums.index_add(2, band, coefficients.square()).div(torch.bincount(band)).sqrt()
    audible = (level > FAINT * level.amax(dim=2, keepdim=True))[:, :, band]
    step = (level * (math.sqrt(12) / quality)[:, :, None])[:, :, band]  # rounding noise has a power of step^2 / 12
    rounded = torch.where(audible, torch.round(coefficients / step.clamp(min=1e-12)) * step, 0.0)
    back = (rounded @ basis.T) * window
    out = torch.nn.functional.pad(back[:, :, :BLOCK].flatten(1), (0, BLOCK))
    out = out + torch.nn.functional.pad(back[:, :, BLOCK:].flatten(1), (BLOCK, 0))
    return out[:, BLOCK : BLOCK + n]


@lru_cache(1)
def _tables() -> tuple[Tensor, Tensor, Tensor]:
    """The cosines of the MDCT, (2 BLOCK, BLOCK), its window, (2 BLOCK,), and each coefficient's band, (BLOCK,)."""
    n, k = np.arange(2 * BLOCK)[:, None], np.arange(BLOCK)[None]
    cosines = np.cos(np.pi / BLOCK * (n + 0.5 + BLOCK / 2) * (k + 0.5)) * np.sqrt(2 / BLOCK)
    window = np.sin(np.pi / (2 * BLOCK) * (np.arange(2 * BLOCK) + 0.5))
    edges = np.unique(np.geomspace(4, BLOCK, BANDS)[:-1].astype(np.int64))  # narrow at the bottom, wider at the top
    band = np.searchsorted(edges, np.arange(BLOCK), side="right")
    return torch.from_numpy(cosines).float(), torch.from_numpy(window).float(), torch.from_numpy(band)
