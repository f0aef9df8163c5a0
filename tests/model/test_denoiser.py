"""Guidance and known notes: what they evaluate, and what they answer."""

from __future__ import annotations

import pytest
import torch
from support.reference import in_turn
from torch import Tensor

from diffroll_live.model.denoiser import as_one_batch, guided, holding, linear_guidance, logit_guidance
from diffroll_live.model.samplers import SAMPLERS, seeded_noise
from diffroll_live.model.schedules import CosineSchedule

SHAPE = (2, 3, 10, 88)


class Counting:
    """Answers a constant, and remembers the times at which it was asked."""

    def __init__(self, answer: float) -> None:
        self.answer = answer
        self.asked: list[float] = []

    def __call__(self, x_t: Tensor, t: float) -> Tensor:
        self.asked.append(t)
        return torch.full_like(x_t, self.answer)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_linear_guidance_is_difroll_s(scale: float) -> None:
    conditional, unconditional = torch.rand(SHAPE), torch.rand(SHAPE)
    wanted = (1.0 + scale) * conditional - scale * unconditional
    torch.testing.assert_close(linear_guidance(conditional, unconditional, scale), wanted)


@pytest.mark.parametrize("bound", [0.6, 1.0])
def test_logit_guidance_stays_in_range_and_tilts_towards_the_condition(bound: float) -> None:
    conditional = torch.empty(SHAPE).uniform_(-bound, bound)
    unconditional = torch.empty(SHAPE).uniform_(-bound, bound)
    conditional[0, 0, 0, :4] = torch.tensor([-bound, bound, -bound, bound])
    unconditional[0, 0, 0, :4] = torch.tensor([bound, -bound, -bound, bound])
    x0 = logit_guidance(-bound, bound)(conditional, unconditional, 3.0)
    assert x0.isfinite().all()
    assert x0.abs().max() <= bound
    assert ((x0 - conditional) * (conditional - unconditional) >= -1e-5).all()
    assert logit_guidance(0.0, 1.0)(torch.tensor(0.6), torch.tensor(0.5), 1.0).item() == pytest.approx(0.36 / 0.52)


def test_the_unconditional_half_costs_nothing_outside_the_interval() -> None:
    conditional, unconditional = Counting(0.4), Counting(0.1)
    denoise = guided(
        conditional, in_turn(conditional, unconditional), 1.0, combine=linear_guidance, interval=(0.5, 0.75)
    )
    answers = [denoise(torch.zeros(SHAPE), t).mean().item() for t in (1.0, 0.75, 0.5, 0.25)]
    assert answers == pytest.approx([0.4, 0.7, 0.7, 0.4])
    assert unconditional.asked == [0.75, 0.5]
    assert conditional.asked == [1.0, 0.75, 0.5, 0.25]


def test_scale_zero_asks_the_condition_only() -> None:
    conditional, unconditional = Counting(0.4), Counting(0.1)
    denoise = guided(conditional, in_turn(conditional, unconditional), 0.0, combine=linear_guidance)
    assert denoise(torch.zeros(SHAPE), 0.5).mean().item() == pytest.approx(0.4)
    assert unconditional.asked == []


def test_one_batch_answers_as_two() -> None:
    def both(x_t: Tensor, t: float) -> Tensor:
        assert x_t.shape[0] == 2 * SHAPE[0]
        return torch.cat((x_t[: SHAPE[0]] + 1.0, x_t[SHAPE[0] :] - 1.0))

    x_t = torch.rand(SHAPE)
    apart = in_turn(lambda x, t: x + 1.0, lambda x, t: x - 1.0)(x_t, 0.5)
    for one, other in zip(as_one_batch(both)(x_t, 0.5), apart, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", SAMPLERS)
def test_known_cells_come_back_exactly_with_every_sampler(name: str) -> None:
    schedule = CosineSchedule()
    known_x0 = torch.rand(SHAPE)
    known = torch.rand(SHAPE) < 0.5
    x_t = torch.empty(SHAPE)
    seeded_noise([1, 2])(x_t)
    seen: list[Tensor] = []

    def network(x_t: Tensor, t: float) -> Tensor:
        seen.append(x_t.clone())
        return torch.tanh(x_t)

    denoise = holding(network, known_x0, known)
    *_, x0 = SAMPLERS[name](denoise, x_t, schedule.timesteps(5), schedule, noise=seeded_noise([3, 4]))
    assert torch.equal(x0[known], known_x0[known])
    assert not torch.isclose(x0[~known], known_x0[~known]).all()
    near, far = ((seen[step] - known_x0)[known].abs().mean() for step in (-1, 0))
    assert near < far
