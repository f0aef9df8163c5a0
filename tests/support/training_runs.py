"""Short runs of training, saved and reported often."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from diffroll_live.training.examples.windows import Material
from diffroll_live.training.runs import loop
from diffroll_live.training.runs.record import Report
from diffroll_live.training.runs.subjects import compact
from diffroll_live.training.runs.trainer import Schedule, Trainer
from support.training_material import SMALL

SCHEDULE = Schedule(6, batch=2, warm_up=2)


def run(
    material: Material,
    out: Path,
    schedule: Schedule = SCHEDULE,
    report: Report = lambda step, parts: None,
    *,
    report_every: int = 1,
    begun_from: str | None = None,
) -> Trainer:
    """Train a small network, saving its state every second step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SAVE_EVERY", 2)
        patch.setattr(loop, "REPORT_EVERY", report_every)
        return loop.train(
            material, schedule, out, begun_from=begun_from, subject=compact(SMALL), workers=0, report=report
        )


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
