"""How much each noise level counts in the loss on the roll.

With x_t = sqrt(a) x0 + sqrt(1 - a) noise, an estimate of the roll is also one of the noise, and the squared loss on the
noise is that on the roll times a / (1 - a): the signal-to-noise ratio at t, not its square root. It depends on t, so
the two losses are equal only up to a weight over t, and that weight is chosen here.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from diffroll_live.errors import RequestError

GAMMA = 5.0  # limit of min-snr
MOST = 1e4  # the ratio at DiffRoll's first step; without a limit the loss on the noise is unbounded at t = 0

Weighting = Callable[[Tensor], Tensor]
"""Signal-to-noise ratios (batch,), from 0 on, to the weights of their examples."""

WEIGHTINGS: dict[str, Weighting] = {
    "x0": torch.ones_like,  # the plain loss on the roll: DiffRoll's, and this project's
    "noise": lambda snr: snr.clamp(max=MOST),  # the plain loss on the noise (Ho et al., 2020)
    "min-snr": lambda snr: snr.clamp(max=GAMMA),  # Hang et al., arXiv 2303.09556, section 3.4
    "max-snr": lambda snr: snr.clamp(1.0, MOST),  # truncated: Salimans and Ho, arXiv 2202.00512, section 4
}


def weighting_of(name: str) -> Weighting:
    """Look a weighting up. Raises RequestError."""
    if name not in WEIGHTINGS:
        raise RequestError(f"There is no weighting {name!r}; choose one of {', '.join(WEIGHTINGS)}.")
    return WEIGHTINGS[name]


def ratio(signal: Tensor, sigma: Tensor) -> Tensor:
    """The signal-to-noise ratio of x_t = signal x0 + sigma noise, at most MOST."""
    return (signal.square() / sigma.square().clamp(min=1e-12)).clamp(max=MOST)
