"""What the command line is tested with: an engine that remembers its plans, and a short recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from diffroll_live.picture_types import Estimate, Pictures
from diffroll_live.types import Answer, RequestPlan, Result
from support.fake_engine import FakeEngine


class CliEngine(FakeEngine):
    """The fake engine, remembering its plans and drawing what pictures are asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: list[RequestPlan] = []

    def answer(self, plan: RequestPlan, control) -> Answer:
        self.plans.append(plan)
        result = yield from super().answer(plan, control)
        if not plan.pictures:
            return result
        roll = np.zeros((100, 88), np.float32)
        return Result(
            result.request_id,
            result.variations,
            result.seed,
            result.timings,
            Pictures(
                50.0, np.zeros((100, 229), np.float32), roll, (Estimate(0, roll.astype(np.uint8), 100, 50.0),) * 3
            ),
        )


def write_clip(path: Path) -> Path:
    soundfile.write(path, 0.1 * np.sin(np.arange(2 * 16_000) / 10), 16_000)
    return path
