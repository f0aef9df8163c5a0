"""Schedules, and every sampler of the table against denoisers whose answer is known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from diffroll_live.composer.samplers import WRITERS
from diffroll_live.errors import RequestError
from diffroll_live.limits import CHOICES
from diffroll_live.model.denoiser import Denoise
from diffroll_live.model.samplers import SAMPLERS, sample_ddim, seeded_noise
from diffroll_live.model.schedules import CosineSchedule, LinearSchedule, Schedule

SHAPE = (2, 3, 40, 88)
SCHEDULES = {"cosine": CosineSchedule(), "linear": LinearSchedule()}
GOLDEN_SUMS = {"ddim": 4192.031, "ddpm": 4432.618, "dpmpp-2m": 4076.987}


def start(seed: int = 0) -> Tensor:
    x = torch.empty(SHAPE)
    seeded_noise([seed, seed + 1])(x)
    return x


def last(estimates: Iterable[Tensor]) -> Tensor:
    """What a chain ends with."""
    *_, x0 = estimates
    return x0


def gaussian_denoiser(mean: Tensor, deviation: float, schedule: Schedule) -> Denoise:
    """The exact posterior mean of x0 ~ N(mean, deviation^2): what a perfect network would answer."""

    def denoise(x_t: Tensor, t: float) -> Tensor:
        signal = schedule.alpha_bar(t)
        gain = math.sqrt(signal) * deviation**2 / (signal * deviation**2 + 1.0 - signal)
        return mean + gain * (x_t - math.sqrt(signal) * mean)

    return denoise


def dummy_denoiser(x_t: Tensor, t: float) -> Tensor:
    """An arbitrary network without weights, bounded and dependent on both arguments."""
    return 0.6 * torch.tanh(x_t.roll(1, dims=-1) + math.sin(t))


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("n_steps", [1, 2, 4, 7, 20, 200])
@pytest.mark.parametrize("name", SAMPLERS)
def test_recovers_the_one_roll_that_the_denoiser_knows(name: str, n_steps: int, schedule: Schedule) -> None:
    known = torch.linspace(-0.6, 0.6, 88).expand(SHAPE)
    chain = SAMPLERS[name](
        lambda x_t, t: known, start(), schedule.timesteps(n_steps), schedule, noise=seeded_noise([5, 6])
    )
    x0 = last(chain)
    torch.testing.assert_close(x0, known)


@pytest.mark.parametrize("name", SAMPLERS)
def test_samples_the_distribution_that_the_denoiser_describes(name: str) -> None:
    schedule = CosineSchedule()
    denoise = gaussian_denoiser(torch.full(SHAPE, 0.3), 0.5, schedule)
    x0 = last(SAMPLERS[name](denoise, start(), schedule.timesteps(200), schedule, noise=seeded_noise([5, 6])))
    assert x0.mean().item() == pytest.approx(0.3, abs=0.02)
    assert x0.std().item() == pytest.approx(0.5, abs=0.02)


def test_second_order_solves_the_same_path_more_exactly() -> None:
    schedule = CosineSchedule()
    denoise = gaussian_denoiser(torch.full(SHAPE, 0.3), 0.5, schedule)
    exact = last(sample_ddim(denoise, start(), schedule.timesteps(1000), schedule))
    errors = {
        name: (last(SAMPLERS[name](denoise, start(), schedule.timesteps(16), schedule)) - exact).abs().mean().item()
        for name in ("ddim", "dpmpp-2m")
    }
    assert errors["dpmpp-2m"] < 0.5 * errors["ddim"]


def test_ddim_with_full_eta_is_ancestral_sampling() -> None:
    schedule = LinearSchedule()
    times = schedule.timesteps(10)
    ddpm = last(SAMPLERS["ddpm"](dummy_denoiser, start(), times, schedule, noise=seeded_noise([5, 6])))
    ddim = last(sample_ddim(dummy_denoiser, start(), times, schedule, noise=seeded_noise([5, 6]), eta=1.0))
    assert torch.equal(ddpm, ddim)


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_repeats_by_seed_whatever_else_draws(name: str, schedule: Schedule) -> None:
    def restless(x_t: Tensor, t: float) -> Tensor:
        torch.manual_seed(torch.randint(1000, ()).item())
        torch.randn(7)
        return dummy_denoiser(x_t, t)

    times = schedule.timesteps(6)
    first = last(SAMPLERS[name](dummy_denoiser, start(3), times, schedule, noise=seeded_noise([8, 9])))
    second = last(SAMPLERS[name](restless, start(3), times, schedule, noise=seeded_noise([8, 9])))
    other = last(SAMPLERS[name](dummy_denoiser, start(4), times, schedule, noise=seeded_noise([18, 19])))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_row_depends_on_its_own_seed_only(name: str) -> None:
    schedule = CosineSchedule()
    times = schedule.timesteps(6)
    together = last(SAMPLERS[name](dummy_denoiser, start(3), times, schedule, noise=seeded_noise([8, 9])))
    alone = last(SAMPLERS[name](dummy_denoiser, start(3)[1:], times, schedule, noise=seeded_noise([9])))
    assert torch.equal(together[1:], alone)


@pytest.mark.parametrize("n_steps", [1, 5])
@pytest.mark.parametrize("name", SAMPLERS)
def test_pauses_after_every_evaluation_and_leaves_its_argument(name: str, n_steps: int) -> None:
    schedule = CosineSchedule()
    evaluated: list[float] = []

    def denoise(x_t: Tensor, t: float) -> Tensor:
        evaluated.append(t)
        return dummy_denoiser(x_t, t)

    x_t = start()
    times = schedule.timesteps(n_steps)
    counts = [len(evaluated) for _ in SAMPLERS[name](denoise, x_t, times, schedule, noise=seeded_noise([1, 2]))]
    assert tuple(evaluated) == times
    assert counts == list(range(1, n_steps + 1))
    assert torch.equal(x_t, start())


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_network_may_write_every_estimate_to_one_place(name: str) -> None:
    schedule = CosineSchedule()
    place = torch.empty(SHAPE)

    def denoise(x_t: Tensor, t: float) -> Tensor:
        return place.copy_(dummy_denoiser(x_t, t))

    reused = last(SAMPLERS[name](denoise, start(), schedule.timesteps(9), schedule, noise=seeded_noise([1, 2])))
    fresh = last(SAMPLERS[name](dummy_denoiser, start(), schedule.timesteps(9), schedule, noise=seeded_noise([1, 2])))
    assert torch.equal(reused, fresh)


@pytest.mark.parametrize("name", SAMPLERS)
def test_golden_sum(name: str) -> None:
    schedule = CosineSchedule()
    x_t = torch.sin(torch.arange(math.prod(SHAPE), dtype=torch.float32)).reshape(SHAPE)

    def wave(out: Tensor) -> None:
        out.copy_(torch.cos(torch.arange(math.prod(SHAPE), dtype=torch.float32)).reshape(SHAPE))

    x0 = last(SAMPLERS[name](dummy_denoiser, x_t, schedule.timesteps(10), schedule, noise=wave))
    assert x0.double().abs().sum().item() == pytest.approx(GOLDEN_SUMS[name], rel=1e-4)


def test_noise_that_is_missing_is_named() -> None:
    schedule = CosineSchedule()
    with pytest.raises(ValueError, match="noise source"):
        last(SAMPLERS["ddpm"](dummy_denoiser, start(), schedule.timesteps(4), schedule))
    with pytest.raises(ValueError, match="timestep"):
        SAMPLERS["ddim"](dummy_denoiser, start(), (), schedule)


def test_trailing_timesteps() -> None:
    cosine, linear = CosineSchedule(), LinearSchedule()
    assert cosine.timesteps(1) == (1.0,)
    assert cosine.timesteps(2) == (1.0, 0.5)
    assert cosine.timesteps(4) == (1.0, 0.75, 0.5, 0.25)
    assert linear.timesteps(1) == (199.0,)
    assert linear.timesteps(4) == (199.0, 149.0, 99.0, 49.0)
    assert linear.timesteps(200) == tuple(float(t) for t in range(199, -1, -1))


@given(n_steps=st.integers(1, 200), name=st.sampled_from(sorted(SCHEDULES)))
def test_timesteps_fall_and_signal_rises(n_steps: int, name: str) -> None:
    schedule = SCHEDULES[name]
    times = schedule.timesteps(n_steps)
    signal = [schedule.alpha_bar(t) for t in times]
    assert len(times) == n_steps
    assert all(a > b for a, b in pairwise(times))
    assert all(0.0 <= a < b <= 1.0 for a, b in pairwise(signal))


@pytest.mark.parametrize(
    ("schedule", "n_steps"), [(CosineSchedule(), 0), (CosineSchedule(), 1001), (LinearSchedule(), 201)]
)
def test_refuses_impossible_numbers_of_steps(schedule: Schedule, n_steps: int) -> None:
    with pytest.raises(RequestError, match="another number of steps"):
        schedule.timesteps(n_steps)


def test_refuses_impossible_linear_schedules() -> None:
    with pytest.raises(RequestError, match="beta_start"):
        LinearSchedule(beta_start=0.0)


def test_cosine_ends_in_pure_noise() -> None:
    assert CosineSchedule().alpha_bar(1.0) == 0.0
    assert CosineSchedule().alpha_bar(0.0) == 1.0


def test_what_may_be_asked_for_is_what_there_is() -> None:
    assert (*SAMPLERS, *WRITERS) == CHOICES["sampler"].names
