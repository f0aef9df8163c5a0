"""What the composer is taught: which note comes next, how long and loud it is, and which notes are still missing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from diffroll_live.composer.network import Batch, Composer
from diffroll_live.composer.tokens import ASK_KNOWN, KNOWN, UNASKED
from diffroll_live.composer.vocabulary import NO_KEY
from diffroll_live.training.composing.answers import Answers

LENGTH_WEIGHT, VELOCITY_WEIGHT, EVERY_WEIGHT = 0.3, 0.05, 0.5
CONTEXT_WEIGHT = 0.6
EVERY_STEP = 0.3  # notes that a step counts as, so that a hole of few notes does not weigh more than its steps


@dataclass(frozen=True, slots=True)
class Losses:
    """What is learned from, and its parts.

    hole, context, every: bits a note, of the hole, of its surroundings, and of all that is missing at once; length and
    velocity: nats a note. A part that a batch does not have is left out.
    """

    total: Tensor
    parts: dict[str, float]


def losses(network: Composer, batch: Batch, answers: Answers) -> Losses:
    """Score a batch."""
    said = network(batch)
    asked = answers.target != UNASKED
    spoken, target = said[asked], answers.target[asked]
    logits = network.key_logits(spoken, batch.lags[asked], answers.allowed[asked], batch.key[asked])
    surprise = F.cross_entropy(logits, target, reduction="none")
    kind = batch.kind[asked]
    context = (kind == KNOWN) | (kind == ASK_KNOWN)
    weight = 1.0 - (1.0 - CONTEXT_WEIGHT) * context
    is_note = target < NO_KEY
    length, velocity = network.touch_logits(spoken[is_note], target[is_note])
    touch = answers.duration[asked][is_note]
    loud = answers.velocity[asked][is_note]
    length_loss = F.cross_entropy(length, touch)
    velocity_loss = (
        F.cross_entropy(velocity, loud, ignore_index=UNASKED) if bool((loud >= 0).any()) else length_loss * 0
    )
    total = (surprise * weight).sum() / weight.sum()
    total = total + LENGTH_WEIGHT * length_loss + VELOCITY_WEIGHT * velocity_loss
    parts = {
        "hole": _bits(surprise, ~context, is_note & ~context),
        "context": _bits(surprise, context, is_note & context),
        "length": float(length_loss.detach()),
        "velocity": float(velocity_loss.detach()),
    }
    some = answers.every
    if bool(some.any()):
        wanted = answers.missing[some].float()
        raw = network.every_logit(said[some], batch.lags[some], answers.allowed[some])
        cost = F.binary_cross_entropy_with_logits(raw, wanted, reduction="none") * answers.allowed[some]
        total = total + EVERY_WEIGHT * cost.sum() / (wanted.sum() + EVERY_STEP * some.sum())
        parts["every"] = float(cost.detach().sum() / wanted.sum().clamp(min=1)) / math.log(2)
    return Losses(total, parts)


def _bits(surprise: Tensor, rows: Tensor, notes: Tensor) -> float:
    """Bits of some rows for each note among them."""
    return float(surprise.detach()[rows].sum() / notes.sum().clamp(min=1)) / math.log(2)
