"""Noise schedules: how much of the roll remains at diffusion time ``t``, and at which times to evaluate the network.

Plain arithmetic on floats, without torch. Samplers use a schedule; a schedule knows no sampler and no network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

from diffroll_live.errors import RequestError

MAX_STEPS = 1000


class Schedule(Protocol):
    """What a sampler needs from a noise schedule."""

    def alpha_bar(self, t: float) -> float:
        """The share of signal power at time ``t``: x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) noise."""

    def timesteps(self, n_steps: int) -> tuple[float, ...]:
        """The ``n_steps`` times at which to evaluate the network, descending, the noisiest first.

        They use trailing spacing: the first is always the very end of the schedule, where a chain starts (Lin et al.,
        "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2024, section 3.3). Raises RequestError if the
        schedule does not have that many steps.
        """


@dataclass(frozen=True, slots=True)
class CosineSchedule:
    """Continuous time t in [0, 1], alpha_bar = cos^2(pi t / 2) (Nichol and Dhariwal, 2021, without their offset).

    Its terminal signal-to-noise ratio is exactly 0: x_1 is pure noise.
    """

    def alpha_bar(self, t: float) -> float:
        """The share of signal power at ``t``; exactly 0 at t = 1."""
        return math.cos(0.5 * math.pi * t) ** 2 if t < 1.0 else 0.0

    def timesteps(self, n_steps: int) -> tuple[float, ...]:
        """1, 1 - 1/n, ..., 1/n. Raises RequestError unless n_steps is in 1..1000."""
        _check_steps(n_steps, MAX_STEPS)
        return tuple(1.0 - index / n_steps for index in range(n_steps))


@dataclass(frozen=True, slots=True)
class LinearSchedule:
    """``steps`` discrete times t = 0 .. steps - 1 with beta rising linearly (Ho et al., 2020); DiffRoll's schedule.

    Some signal is left even at its last time: with the published values alpha_bar(199) is 0.13.
    """

    steps: int = 200
    beta_start: float = 1e-4
    beta_end: float = 0.02
    _alpha_bars: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the values and accumulate the alphas. Raises RequestError for values that make no schedule."""
        if not (self.steps >= 1 and 0.0 < self.beta_start <= self.beta_end < 1.0):
            raise RequestError("A linear schedule needs at least one step and 0 < beta_start <= beta_end < 1.")
        products = [1.0]
        for beta in self.betas:
            products.append(products[-1] * (1.0 - beta))
        object.__setattr__(self, "_alpha_bars", tuple(products[1:]))

    @property
    def betas(self) -> tuple[float, ...]:
        """The variance of the noise that each step adds."""
        rise = (self.beta_end - self.beta_start) / max(self.steps - 1, 1)
        return tuple(self.beta_start + rise * t for t in range(self.steps))

    def alpha_bar(self, t: float) -> float:
        """The share of signal power at the discrete time ``t``, 0 .. steps - 1."""
        return self._alpha_bars[int(t)]

    def timesteps(self, n_steps: int) -> tuple[float, ...]:
        """Evenly spread times from steps - 1 down. Raises RequestError unless n_steps is in 1..steps."""
        _check_steps(n_steps, self.steps)
        return tuple(float(round(self.steps - index * self.steps / n_steps) - 1) for index in range(n_steps))


def _check_steps(n_steps: int, most: int) -> None:
    if not 1 <= n_steps <= most:
        raise RequestError(f"This model samples in 1 to {most} steps, not {n_steps}; choose another number of steps.")
