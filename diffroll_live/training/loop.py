"""The training loop: seeded, resumable to the step, with a moving average of the weights and a record of every loss."""

from __future__ import annotations

import csv
import logging
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from diffroll_live.errors import InternalError
from diffroll_live.frontend import FrontEnd, FrontEndConfig
from diffroll_live.networks.compact import Compact, CompactConfig
from diffroll_live.roll import RollGeometry
from diffroll_live.training.masks import Masks, draw_masks
from diffroll_live.training.objective import losses
from diffroll_live.training.windows import Material, loader

logger = logging.getLogger(__name__)

SAVE_EVERY = 100  # steps
REPORT_EVERY = 20


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn: warm-up, a flat stretch, then a fall to 1 % over the last ``fall`` of steps."""

    steps: int
    batch: int = 12
    rate: float = 2e-3
    warm_up: int = 200
    fall: float = 0.25
    average: float = 0.999  # of the moving average of the weights, reached gradually
    clip: float = 1.0
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """The learning rate at a step."""
        rising = min(1.0, (step + 1) / self.warm_up)
        begin = self.steps * (1 - self.fall)
        done = min(max((step - begin) / max(self.steps - begin, 1), 0.0), 1.0)
        return self.rate * rising * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


class Trainer:
    """Holds everything that a step changes, so that it can be saved and taken up again."""

    def __init__(self, config: CompactConfig, front_end: FrontEndConfig, schedule: Schedule, device: str) -> None:
        torch.manual_seed(schedule.seed)
        self.schedule, self.device = schedule, torch.device(device)
        self.network = Compact(config).to(self.device)
        self.front_end = FrontEnd(front_end).to(self.device)
        self.averaged = Compact(config).to(self.device).requires_grad_(False)
        self.averaged.load_state_dict(self.network.state_dict())
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=schedule.rate, betas=(0.9, 0.98))
        self.step = 0

    def learn(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """Take one step. Raises InternalError when the loss is not a number."""
        masks, generator = self._draws(batch)
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate_at(self.step)
        with torch.no_grad():
            features = self.front_end(batch["samples"])
        with torch.autocast(self.device.type, torch.bfloat16):
            parts = losses(self.network, features, batch, masks, generator)
        if not torch.isfinite(parts["total"]):
            raise InternalError(f"The loss of step {self.step} is not a number.")
        self.optimiser.zero_grad(set_to_none=True)
        parts["total"].backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.schedule.clip)
        self.optimiser.step()
        self._average()
        self.step += 1
        return {k: float(v.detach()) for k, v in parts.items()} | {"gradient": float(norm.detach())}

    def _draws(self, batch: dict[str, Tensor]) -> tuple[Masks, torch.Generator]:
        """The randomness of this step, the same after a resume."""
        cpu = torch.Generator().manual_seed(self.schedule.seed * 1_000_003 + self.step)
        n_frames = batch["onset"].shape[2]
        config = self.front_end.config
        masks = draw_masks(batch["edge"], n_frames, config.sample_rate / config.hop_length, cpu)
        on_device = torch.Generator(self.device).manual_seed(self.schedule.seed * 1_000_003 + self.step)
        return Masks(masks.audio.to(self.device), masks.known.to(self.device)), on_device

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.schedule.average, (1 + self.step) / (10 + self.step))
        for mean, value in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(value, 1 - keep)

    def save(self, path: Path) -> None:
        """Write everything needed to go on, all or nothing."""
        state: dict[str, Any] = {
            "step": self.step,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "config": asdict(self.network.config),
            "front_end": asdict(self.front_end.config),
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, path)

    def resume(self, path: Path) -> None:
        """Take up a saved run."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def train(
    material: Material,
    schedule: Schedule,
    out: Path,
    *,
    config: CompactConfig = CompactConfig(),
    front_end: FrontEndConfig = FrontEndConfig(),
    device: str = "cpu",
    workers: int = 1,
    report: Callable[[int, dict[str, float]], None] = lambda step, parts: None,
) -> Trainer:
    """Train, or go on training, in folder ``out``; writes ``state.pt`` and ``losses.csv`` there."""
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, front_end, schedule, device)
    state = out / "state.pt"
    if state.exists():
        trainer.resume(state)
    geometry = RollGeometry(front_end.sample_rate, front_end.hop_length)
    batches = loader(
        material, geometry, batch=schedule.batch, seed=schedule.seed, first=trainer.step, workers=workers
    )
    sums: dict[str, float] = {}
    while trainer.step < schedule.steps:
        batch = {k: v.to(trainer.device, non_blocking=True) for k, v in next(batches).items()}
        for key, value in trainer.learn(batch).items():
            sums[key] = sums.get(key, 0.0) + value
        if trainer.step % REPORT_EVERY == 0:
            means = {k: v / REPORT_EVERY for k, v in sums.items()}
            _record(out / "losses.csv", trainer.step, means)
            report(trainer.step, means)
            sums = {}
        if trainer.step % SAVE_EVERY == 0 or trainer.step == schedule.steps:
            trainer.save(state)
    return trainer


def _record(path: Path, step: int, means: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as handle:
        writer = csv.writer(handle)
        if new:
            writer.writerow(["step", *means])
        writer.writerow([step, *(f"{v:.5f}" for v in means.values())])
