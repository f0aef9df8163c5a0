"""Resampling by a windowed sinc: to the bit what torchaudio's ``Resample`` gives, without its import.

The formula is that of J. O. Smith, "Digital Audio Resampling", with a Hann window.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

ROLLOFF = 0.99  # of the lower Nyquist frequency, where the low-pass filter lies
CROSSINGS = 6  # zeros of the sinc on each side


def sinc_resampler(step: int, out: int, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Make a function that turns every ``step`` samples into ``out``: (n,) in, (ceil(n * out / step),) out.

    ``step`` and ``out`` have no common divisor.
    """
    if step == out:
        return lambda samples: samples
    lowest = ROLLOFF * min(step, out)  # twice the cut-off, by the length of a block
    reach = math.ceil(CROSSINGS * step / lowest)  # samples on each side of a block
    filters = _filters(step, out, lowest, reach).to(device)

    def resample(samples: Tensor) -> Tensor:
        padded = torch.nn.functional.pad(samples, (reach, reach + step))
        blocks = torch.nn.functional.conv1d(padded[None, None], filters, stride=step)[0]
        return blocks.t().reshape(-1)[: -(-len(samples) * out // step)]

    return resample


def _filters(step: int, out: int, lowest: float, reach: int) -> Tensor:
    """The filter of each sample of a block: (out, 1, step + 2 * reach)."""
    sources = torch.arange(-reach, reach + step, dtype=torch.float64) / step
    targets = torch.arange(out) / out  # single precision, as in what the networks were trained with
    distance = ((sources - targets[:, None]) * lowest).clamp(-CROSSINGS, CROSSINGS)
    angle = distance * math.pi
    window = torch.cos(angle / CROSSINGS / 2) ** 2
    sinc = torch.where(angle == 0.0, 1.0, torch.sin(angle) / angle)
    return (sinc * (window * (lowest / step))).float()[:, None]
