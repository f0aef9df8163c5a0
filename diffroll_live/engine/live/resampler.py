"""Resamples a stream without clicks between its blocks."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.features import LONGEST_BLOCK, SINC_REACH
from diffroll_live.engine.sinc import sinc_resampler
from diffroll_live.model.transfers import to_device
from diffroll_live.types import Floats


class StreamingResampler:
    """Resamples a stream block by block, identically to resampling it as a whole; it starts after silence.

    Samples that depend on future input are held back: 8 samples at the lower of the two rates.
    """

    def __init__(self, source_rate: int, rate: int, device: torch.device) -> None:
        ratio = Fraction(rate, source_rate).limit_denominator(LONGEST_BLOCK)
        self._step, self._out = ratio.denominator, ratio.numerator  # samples of a period, in and out
        self._around = 1 + SINC_REACH // min(self._step, self._out)  # periods
        self._reach = math.ceil(SINC_REACH * max(1.0, self._step / self._out))  # samples in
        self._convert = sinc_resampler(self._step, self._out, device)
        self._device = device
        self._kept = np.zeros(self._around * self._step, np.float32)  # begins with a period
        self._returned = self._around * self._out  # samples out of what is kept that were returned before

    def push(self, samples: Floats) -> Tensor:
        """Take any number of samples; return those that are certain now, (n_samples,) on the device."""
        self._kept = np.concatenate([self._kept, samples])
        converted = self._convert(to_device(self._kept, self._device))
        certain = max((len(self._kept) - self._reach) * self._out // self._step, self._returned)
        fresh: Tensor = converted[self._returned : certain]
        spare = certain // self._out - self._around  # periods that nothing to come depends on
        self._kept, self._returned = self._kept[spare * self._step :], certain - spare * self._out
        return fresh
