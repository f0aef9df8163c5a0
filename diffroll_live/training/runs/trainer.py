"""One step of training, and everything that a step changes: network, moving average, optimizer and step count.

A step depends only on the saved state, the batch and the step's number, so an interrupted run arrives at the same
weights, bit for bit on the same kind of device.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from diffroll_live.training.examples.batches import Batch
from diffroll_live.training.examples.masks import Masks
from diffroll_live.training.precision import in_bfloat16
from diffroll_live.training.processes import ALONE, Draws, Share, average, average_gradients
from diffroll_live.training.runs.subjects import Subject
from diffroll_live.training.runs.weighting import weighting_of

WEIGHT_DECAY = 0.01  # of matrices and kernels; gains and biases keep their size


@dataclass(frozen=True, slots=True)
class Schedule:
    """Length and learning rate: warm-up, a constant stretch, a decay to 1 % over the last ``fall`` of the steps."""

    steps: int
    batch: int = 12  # windows per step, over all processes
    rate: float = 2e-3
    warm_up: int = 200  # steps
    fall: float = 0.25
    average: float = 0.999  # decay of the moving average of the weights, reached gradually
    clip: float = 1.0  # maximum norm of a gradient
    seed: int = 0
    precision: str = "bfloat16"  # of the arithmetic; the weights themselves stay float32
    weighting: str = "x0"  # over t, a row of weighting.WEIGHTINGS

    def rate_at(self, step: int) -> float:
        """The learning rate at a step."""
        rising = min(1.0, (step + 1) / self.warm_up)
        begin = self.steps * (1 - self.fall)
        done = min(max((step - begin) / max(self.steps - begin, 1), 0.0), 1.0)
        return self.rate * rising * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


class Trainer:
    """A network in training. Raises RequestError for a precision or a weighting that does not exist."""

    def __init__(self, subject: Subject, schedule: Schedule, device: str, share: Share = ALONE) -> None:
        torch.manual_seed(schedule.seed)
        self.subject, self.schedule, self.share = subject, schedule, share
        self.device = torch.device(device)
        self.half = in_bfloat16(schedule.precision, self.device)
        self.weigh = weighting_of(schedule.weighting)
        self.network = subject.network(subject.config).to(self.device)
        self.front_end = subject.front_end(subject.front_end_config).to(self.device)
        self.averaged = subject.network(subject.config).to(self.device).requires_grad_(False)
        self.averaged.load_state_dict(self.network.state_dict())
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=schedule.rate, betas=(0.9, 0.98))
        self.step = 0

    def learn(self, batch: Batch) -> dict[str, float]:
        """Take one step with this process's part of a batch; return the parts of the loss and the gradient norm.

        Raises FloatingPointError, and changes no weight, if one of them is not finite.
        """
        parts = self._losses(batch)
        self.optimiser.zero_grad(set_to_none=True)
        parts["total"].backward()
        average_gradients(self.network, self.share)
        means = average([value.detach().float() for value in parts.values()], self.share)
        values = {name: float(value) for name, value in zip(parts, means, strict=True)}
        values["gradient"] = float(nn.utils.clip_grad_norm_(self.network.parameters(), self.schedule.clip))
        if odd := [name for name, value in values.items() if not math.isfinite(value)]:
            raise FloatingPointError(", ".join(odd))
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate_at(self.step)
        self.optimiser.step()
        self._average()
        self.step += 1
        return values

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        masks, draws = self._draws(batch)
        with torch.no_grad():
            features = self.front_end(batch["samples"])
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            return self.subject.losses(self.network, features, batch, masks, draws, self.weigh)

    def _draws(self, batch: Batch) -> tuple[Masks, Draws]:
        """The randomness of this step, the same after a resume and for any number of processes."""
        seed = self.schedule.seed * 1_000_003 + self.step
        cpu = torch.Generator().manual_seed(seed)
        n_frames = batch["onset"].shape[2]
        config = self.subject.front_end_config
        edges = self.share.spread(batch["edge"].cpu())
        masks = self.subject.draw_masks(edges, n_frames, config.sample_rate / config.hop_length, cpu)
        audio, known = (self.share.own(each).to(self.device) for each in (masks.audio, masks.known))
        return Masks(audio, known), Draws(torch.Generator(self.device).manual_seed(seed), self.share)

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.schedule.average, (1 + self.step) / (10 + self.step))
        for mean, value in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(value, 1 - keep)

    def state(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Everything needed to resume, with the settings of the run."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "architecture": self.subject.architecture,
            "config": asdict(self.subject.config),
            "front_end": asdict(self.subject.front_end_config),
            "settings": settings,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Resume from a state read by ``states.read_state``."""
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]
