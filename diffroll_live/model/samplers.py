"""Samplers: functions that go from noise to a clean roll by repeated ``denoise(x_t, t) -> x0``.

One step of any of them is a weighted sum, x_s = a x0 + b x_t + c x0_previous + sigma noise, so a sampler is a table of
weights, computed before the first evaluation, and one loop runs them all. It pauses after each evaluation, so that
others can have the device in between. The samplers know no network, no audio and no notes; guidance and known notes
wrap ``denoise`` (denoiser.py).

A new sampler is a function here, a row in ``SAMPLERS`` and its name in limits.py; the tests run over the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from diffroll_live.model.denoiser import Denoise
from diffroll_live.model.schedules import Schedule

Noise = Callable[[Tensor], None]
"""Fills the given tensor with standard normal noise; the only source of randomness in a sampler."""


class Sampler(Protocol):
    """The signature that all samplers share."""

    def __call__(
        self,
        denoise: Denoise,
        x_t: Tensor,
        timesteps: Sequence[float],
        schedule: Schedule,
        *,
        noise: Noise | None = None,
    ) -> Iterator[Tensor]:
        """Go from ``x_t`` at ``timesteps[0]``, and yield the estimate of x0 at each timestep; the last is the result.

        ``x_t`` is (batch, channels, n_frames, 88) float32 and is not modified; estimates have the same shape. One may
        be overwritten by the next evaluation: copy it to keep it. ``noise`` is needed by the samplers that draw noise
        between steps. Raises ValueError if it is missing.
        """


@dataclass(frozen=True, slots=True)
class Step:
    """Evaluate at ``t``; the next x_t is the weighted sum of x0, x_t, the previous x0 and noise."""

    t: float
    x0: float
    x_t: float
    previous: float = 0.0
    noise: float = 0.0


def sample_ddim(
    denoise: Denoise,
    x_t: Tensor,
    timesteps: Sequence[float],
    schedule: Schedule,
    *,
    noise: Noise | None = None,
    eta: float = 0.0,
) -> Iterator[Tensor]:
    """Sample with DDIM (Song et al., "Denoising Diffusion Implicit Models", 2021, equations 12 and 16).

    ``eta`` scales the noise drawn between steps: 0 draws none, 1 is ancestral sampling.
    """
    return _run(denoise, x_t, ddim_steps(timesteps, schedule, eta), noise)


def sample_ddpm(
    denoise: Denoise,
    x_t: Tensor,
    timesteps: Sequence[float],
    schedule: Schedule,
    *,
    noise: Noise | None = None,
) -> Iterator[Tensor]:
    """Sample from the posteriors q(x_s | x_t, x0) one after another (Ho et al., 2020, equations 6 and 7).

    On a subset of the schedule's times this posterior is DDIM's with eta = 1, which is how it is computed here.
    """
    return _run(denoise, x_t, ddim_steps(timesteps, schedule, eta=1.0), noise)


def sample_dpmpp_2m(
    denoise: Denoise,
    x_t: Tensor,
    timesteps: Sequence[float],
    schedule: Schedule,
    *,
    noise: Noise | None = None,  # noqa: ARG001 - part of the shared signature; this sampler draws no noise
) -> Iterator[Tensor]:
    """Sample with DPM-Solver++(2M), predicting data (Lu et al., "DPM-Solver++", 2022, algorithm 2).

    The first step has no history and the last ends at zero noise: both are of first order. It pays off from about
    eight steps; below that it is practically DDIM.
    """
    return _run(denoise, x_t, dpmpp_2m_steps(timesteps, schedule), None)


SAMPLERS: dict[str, Sampler] = {
    "ddim": sample_ddim,
    "ddpm": sample_ddpm,
    "dpmpp-2m": sample_dpmpp_2m,
}


def seeded_noise(seeds: Sequence[int], device: torch.device | str = "cpu") -> Noise:
    """Make a noise source with one generator for each row of the batch.

    A row depends only on its own seed, not on the other rows or on any other random generator. The
    numbers differ between kinds of device.
    """
    generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def fill(out: Tensor) -> None:
        for row, generator in zip(out, generators, strict=True):
            row.normal_(generator=generator)

    return fill


def ddim_steps(timesteps: Sequence[float], schedule: Schedule, eta: float) -> tuple[Step, ...]:
    """Compute DDIM's weights. Its noise is (x_t - sqrt(alpha_bar) x0) / sqrt(1 - alpha_bar), finite at alpha_bar 0."""
    steps = []
    for t, s in pairwise(timesteps):
        now, after = schedule.alpha_bar(t), schedule.alpha_bar(s)
        sigma = eta * math.sqrt((1.0 - after) / (1.0 - now) * (1.0 - now / after))
        keep = math.sqrt(max(0.0, 1.0 - after - sigma**2) / (1.0 - now))
        steps.append(Step(t, x0=math.sqrt(after) - keep * math.sqrt(now), x_t=keep, noise=sigma))
    return (*steps, _last(timesteps))


def dpmpp_2m_steps(timesteps: Sequence[float], schedule: Schedule) -> tuple[Step, ...]:
    """Compute DPM-Solver++(2M)'s weights; after a step from zero signal there is nothing to extrapolate."""
    steps = []
    width_before = math.inf
    for t, s in pairwise(timesteps):
        after = schedule.alpha_bar(s)
        keep = math.sqrt((1.0 - after) / (1.0 - schedule.alpha_bar(t)))
        width = _half_log_snr(after) - _half_log_snr(schedule.alpha_bar(t))
        gain = -math.sqrt(after) * math.expm1(-width)
        # 1 / (2 r) with r = width_before / width; the log-SNR of zero signal makes width_before infinite.
        slope = 0.0 if math.isinf(width_before) else 0.5 * width / width_before
        steps.append(Step(t, x0=gain * (1.0 + slope), x_t=keep, previous=-gain * slope))
        width_before = width
    return (*steps, _last(timesteps))


def _last(timesteps: Sequence[float]) -> Step:
    """The last step returns its estimate of x0, without noise."""
    if not timesteps:
        raise ValueError("A sampler needs at least one timestep.")
    return Step(timesteps[-1], x0=1.0, x_t=0.0)


def _half_log_snr(alpha_bar: float) -> float:
    if alpha_bar == 0.0:
        return -math.inf
    return 0.5 * (math.log(alpha_bar) - math.log1p(-alpha_bar))


@torch.inference_mode()
def _run(denoise: Denoise, x_t: Tensor, steps: tuple[Step, ...], noise: Noise | None) -> Iterator[Tensor]:
    """Run the steps in two or three preallocated tensors."""
    x = x_t.clone()
    previous = torch.zeros_like(x) if any(step.previous for step in steps) else None
    drawn = torch.empty_like(x)
    for step in steps[:-1]:
        x0 = denoise(x, step.t)
        yield x0
        x.mul_(step.x_t).add_(x0, alpha=step.x0)
        if previous is not None:
            x.add_(previous, alpha=step.previous)
            previous.copy_(x0)  # a network may write every estimate to the same place
        if step.noise:
            if noise is None:
                raise ValueError("This sampler draws noise between steps: give it a noise source.")
            noise(drawn)
            x.add_(drawn, alpha=step.noise)
    yield denoise(x, steps[-1].t)
