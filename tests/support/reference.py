"""What the published DiffRoll does besides its network, for tests that compare with it number by number."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from diffroll_live.model.denoiser import Denoise, DenoisePair
from diffroll_live.model.networks.diffroll import Condition, DiffRoll
from diffroll_live.model.networks.diffroll_mel import HIDDEN
from diffroll_live.model.schedules import LinearSchedule


def in_turn(conditional: Denoise, unconditional: Denoise) -> DenoisePair:
    """Evaluate the two halves of guidance one after the other."""

    def pair(x_t: Tensor, t: float) -> tuple[Tensor, Tensor]:
        return conditional(x_t, t), unconditional(x_t, t)

    return pair


def null_condition(network: DiffRoll) -> Condition:
    """The condition of 80 frames that are wholly hidden."""
    return network.condition(torch.full((1, network.config.n_mels, 80), HIDDEN))


def final_scale(schedule: LinearSchedule) -> float:
    """The factor that it puts on its last estimate, a slip: 1 / sqrt(alpha_bar(0)), 1.00005 with its schedule."""
    return 1.0 / math.sqrt(schedule.alpha_bar(0.0))
