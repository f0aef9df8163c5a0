"""One step of training, and everything that a step changes: network, moving average, optimiser, and where it stands.

A step is a function of the saved state, the batch and the step's number alone, so a run that was cut off goes on to the
same weights, bit by bit on one kind of device.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from diffroll_live.errors import FileError, FileMissing, RequestError
from diffroll_live.frontend import FrontEnd, FrontEndConfig
from diffroll_live.networks.compact import Compact, CompactConfig
from diffroll_live.training.batches import Batch
from diffroll_live.training.masks import Masks, draw_masks
from diffroll_live.training.objective import losses
from diffroll_live.training.saving import whole_file

PRECISIONS = ("bfloat16", "float32")
WEIGHT_DECAY = 0.01  # of matrices and kernels; gains and biases keep their size
PARTS_OF_A_STATE = ("step", "network", "averaged", "optimiser", "config", "front_end")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn: warm-up, a flat stretch, then a fall to 1 % over the last ``fall`` of steps."""

    steps: int
    batch: int = 12  # windows a step
    rate: float = 2e-3
    warm_up: int = 200  # steps
    fall: float = 0.25
    average: float = 0.999  # of the moving average of the weights, reached gradually
    clip: float = 1.0  # greatest norm of a gradient
    seed: int = 0
    precision: str = "bfloat16"  # of the arithmetic; the weights themselves stay float32

    def rate_at(self, step: int) -> float:
        """The learning rate at a step."""
        rising = min(1.0, (step + 1) / self.warm_up)
        begin = self.steps * (1 - self.fall)
        done = min(max((step - begin) / max(self.steps - begin, 1), 0.0), 1.0)
        return self.rate * rising * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


class Trainer:
    """A network in training. Raises RequestError for a precision that the device does not have."""

    def __init__(self, config: CompactConfig, front_end: FrontEndConfig, schedule: Schedule, device: str) -> None:
        torch.manual_seed(schedule.seed)
        self.schedule, self.device = schedule, torch.device(device)
        _check_precision(schedule.precision, self.device)
        self.network = Compact(config).to(self.device)
        self.front_end = FrontEnd(front_end).to(self.device)
        self.averaged = Compact(config).to(self.device).requires_grad_(False)
        self.averaged.load_state_dict(self.network.state_dict())
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=schedule.rate, betas=(0.9, 0.98))
        self.step = 0

    def learn(self, batch: Batch) -> dict[str, float]:
        """Take one step; the parts of the loss and the norm of the gradient.

        Raises FloatingPointError, and changes no weight, when one of them is not a number.
        """
        parts = self._losses(batch)
        self.optimiser.zero_grad(set_to_none=True)
        parts["total"].backward()
        parts["gradient"] = nn.utils.clip_grad_norm_(self.network.parameters(), self.schedule.clip)
        values = {name: float(value.detach()) for name, value in parts.items()}
        if odd := [name for name, value in values.items() if not math.isfinite(value)]:
            raise FloatingPointError(", ".join(odd))
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate_at(self.step)
        self.optimiser.step()
        self._average()
        self.step += 1
        return values

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        masks, generator = self._draws(batch)
        with torch.no_grad():
            features = self.front_end(batch["samples"])
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.schedule.precision == "bfloat16"):
            return losses(self.network, features, batch, masks, generator)

    def _draws(self, batch: Batch) -> tuple[Masks, torch.Generator]:
        """The randomness of this step, the same after a resume."""
        seed = self.schedule.seed * 1_000_003 + self.step
        cpu = torch.Generator().manual_seed(seed)
        n_frames = batch["onset"].shape[2]
        config = self.front_end.config
        masks = draw_masks(batch["edge"], n_frames, config.sample_rate / config.hop_length, cpu)
        on_device = torch.Generator(self.device).manual_seed(seed)
        return Masks(masks.audio.to(self.device), masks.known.to(self.device)), on_device

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.schedule.average, (1 + self.step) / (10 + self.step))
        for mean, value in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(value, 1 - keep)

    def save(self, path: Path, settings: dict[str, Any]) -> None:
        """Write everything needed to go on, and the settings it was made with. Raises FileError on a full disk."""
        state: dict[str, Any] = {
            "step": self.step,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "config": asdict(self.network.config),
            "front_end": asdict(self.front_end.config),
            "settings": settings,
        }
        with whole_file(path) as file:
            torch.save(state, file)

    def resume(self, state: dict[str, Any]) -> None:
        """Take up a state that ``read_state`` read."""
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def read_state(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a saved run; no code in the file is run. Raises FileMissing or FileError."""
    if not path.is_file():
        raise FileMissing(f"There is no saved run at {path}; `diffroll-live train` makes one.")
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch says "damaged" in many ways
        raise FileError(f"{path} is no saved run, or is damaged ({type(error).__name__}); train again.") from error
    if not isinstance(state, dict) or any(part not in state for part in PARTS_OF_A_STATE):
        raise FileError(f"{path} is no saved run of this version; train again.")
    return state


def _check_precision(precision: str, device: torch.device) -> None:
    if precision not in PRECISIONS:
        raise RequestError(f"There is no precision {precision!r} to train in: there are {', '.join(PRECISIONS)}.")
    if (
        precision == "bfloat16"
        and device.type == "cuda"
        and not torch.cuda.is_bf16_supported(including_emulation=False)
    ):
        raise RequestError("This GPU has no bfloat16; train with --precision float32.")
