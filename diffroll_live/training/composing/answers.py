"""What a batch of tokens is asked, and the right answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diffroll_live.composer.batches import padded
from diffroll_live.composer.tokens import ASK_ALL, UNASKED, Tokens


@dataclass(frozen=True, slots=True)
class Answers:
    """(batch, n) targets, UNASKED where there is none; (batch, n, 88) keys that are allowed, and that are missing.

    every: (batch, n) bool, the questions for all that is missing in a step.
    """

    target: Tensor
    duration: Tensor
    velocity: Tensor
    allowed: Tensor
    missing: Tensor
    every: Tensor


def answers_of(examples: Sequence[Tokens], device: torch.device) -> Answers:
    """The answers, laid out as ``batch_of`` lays out the tokens."""

    def tensor(name: str, filler: int = UNASKED) -> Tensor:
        return torch.from_numpy(padded(examples, name, filler)).to(device)

    kind = tensor("kind", 0)
    return Answers(
        target=tensor("target"),
        duration=tensor("target_duration"),
        velocity=tensor("target_velocity"),
        allowed=tensor("allowed", 0),
        missing=tensor("missing", 0),
        every=kind == ASK_ALL,
    )
