"""Wrappers of ``denoise(x_t, t) -> x0``: guidance and known notes.

A wrapper takes a denoise function and returns another, so every sampler works with every wrapper. Nothing here depends
on a network, a schedule or a sampler.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Denoise = Callable[[Tensor, float], Tensor]
"""Estimates the clean roll x0 from ``x_t`` at time ``t``; both (batch, channels, n_frames, 88)."""

DenoisePair = Callable[[Tensor, float], tuple[Tensor, Tensor]]
"""The conditional and the unconditional estimate for the same ``x_t``."""

Combine = Callable[[Tensor, Tensor, float], Tensor]
"""Combines a conditional and an unconditional estimate with the guidance scale into one."""

EVERYWHERE = (-math.inf, math.inf)
_SMALLEST = 1e-6  # distance kept from probabilities 0 and 1, where logits are infinite


def as_one_batch(both: Denoise) -> DenoisePair:
    """Evaluate the two halves of guidance as one batch of twice the size.

    ``both`` takes (2 * batch, ...): the conditional rows first, then the unconditional ones.
    """

    def pair(x_t: Tensor, t: float) -> tuple[Tensor, Tensor]:
        conditional, unconditional = both(torch.cat((x_t, x_t)), t).chunk(2)
        return conditional, unconditional

    return pair


def guided(
    conditional: Denoise,
    pair: DenoisePair,
    scale: float,
    *,
    combine: Combine,
    interval: tuple[float, float] = EVERYWHERE,
) -> Denoise:
    """Apply classifier-free guidance (Ho and Salimans, 2022) with scale w = ``scale``; 0 turns it off.

    ``combine`` is ``linear_guidance`` or what ``logit_guidance`` returns. Outside the closed
    ``interval``, ``conditional`` alone is evaluated (Kynkaanniemi et al., 2024): which saves the unconditional half.
    """
    low, high = interval

    def denoise(x_t: Tensor, t: float) -> Tensor:
        if scale == 0.0 or not low <= t <= high:
            return conditional(x_t, t)
        return combine(*pair(x_t, t), scale)

    return denoise


def linear_guidance(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """Extrapolate as DiffRoll does: (1 + w) x0_conditional - w x0_unconditional. May leave the range of a roll."""
    return torch.lerp(unconditional, conditional, 1.0 + scale)


def logit_guidance(low: float, high: float) -> Combine:
    """Extrapolate logits, l = l_c + w (l_c - l_u), of estimates in [low, high]; the result stays in that range.

    An estimate is read as the probability (x0 - low) / (high - low) of a Bernoulli variable, which guidance tilts.
    """
    width = high - low

    def combine(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
        wanted = torch.logit((conditional.float() - low) / width, eps=_SMALLEST)
        unwanted = torch.logit((unconditional.float() - low) / width, eps=_SMALLEST)
        return torch.lerp(unwanted, wanted, 1.0 + scale).sigmoid_().mul_(width).add_(low)

    return combine


def holding(denoise: Denoise, known_x0: Tensor, known: Tensor) -> Denoise:
    """Replace the estimate with the known roll wherever it is known, at every step.

    ``known_x0`` is the clean roll in the range of x0, ``known`` is bool, True = known; both broadcast to
    (batch, channels, n_frames, 88). The known cells of x_t then approach their clean values at each step's noise level.
    """

    def denoise_unknown(x_t: Tensor, t: float) -> Tensor:
        x0 = denoise(x_t, t)
        return torch.where(known, known_x0.to(x0.dtype), x0)

    return denoise_unknown
