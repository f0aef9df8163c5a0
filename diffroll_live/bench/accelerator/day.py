"""The day at hand: sizes, the device, the time that is left, and ways to time what a device does by itself."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from diffroll_live.bench.material import SAMPLE_RATE, piece
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.loading import load_engine
from diffroll_live.engine.window_program import Programs
from diffroll_live.model.captures import CAPTURES
from diffroll_live.types import AudioBuffer

RATE = 16_000  # Hz, of all audio: nothing is resampled, so that torchaudio is not needed


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    repeat: int = 20
    clip_seconds: float = 20.48
    region_seconds: float = 5.0
    steps: tuple[int, ...] = (1, 2, 4, 16)
    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    hops: int = 200
    clients: tuple[int, ...] = (1, 8, 64)
    client_seconds: float = 15.0
    train_batches: tuple[int, ...] = (12, 48)
    train_steps: int = 20


#: For a rehearsal on a CPU.
SMALL = Sizes(
    repeat=2,
    clip_seconds=2.0,
    region_seconds=1.0,
    steps=(1, 2),
    batches=(1, 2),
    hops=3,
    clients=(2,),
    client_seconds=1.0,
    train_batches=(1,),
    train_steps=1,
)


@dataclass(slots=True)
class Day:
    """What the checks share. ``until`` is when all must be over, in monotonic seconds."""

    device: str
    model: str | None
    sizes: Sizes
    until: float
    scores: Path | None = None  # material of the composer
    run: Path | None = None  # where its training goes on
    composer_steps: int = 4000  # of that training in all

    def left(self) -> float:
        """Seconds that are left."""
        return self.until - time.monotonic()

    def engine(self, abreast: int | None = None, *, replays: bool = True) -> TorchEngine:
        """Load the model anew, for so many windows at once, with or without programs that are replayed."""
        loaded = load_engine(self.model, self.device, warm=False)
        adapter = loaded.adapter
        capture = CAPTURES.get(adapter.device.type)
        programs = Programs(adapter, capture) if replays and capture is not None else None
        rows = loaded.abreast if abreast is None else abreast
        return TorchEngine(adapter, loaded.info, loaded.defaults, loaded.composer, abreast=rows, programs=programs)

    def music(self, seconds: float, seed: int = 0) -> AudioBuffer:
        """Make music that is new for each seed."""
        made = piece(seconds * RATE / SAMPLE_RATE + 1.0, seed)
        return replace(made, samples=made.samples[: round(seconds * RATE)].copy(), sample_rate=RATE)

    def finish(self) -> None:
        """Wait for the device."""
        if self.device_type == "cuda":
            torch.cuda.synchronize()

    @property
    def device_type(self) -> str:
        """The kind of the device."""
        return "cuda" if self.device == "cuda" or (self.device == "auto" and torch.cuda.is_available()) else "cpu"

    def milliseconds(self, action: Callable[[], object], repeat: int | None = None) -> list[float]:
        """Time an action to the end of what the device does for it, after two runs that are not counted."""
        times = []
        for number in range((repeat or self.sizes.repeat) + 2):
            self.finish()
            begin = time.perf_counter()
            action()
            self.finish()
            if number >= 2:
                times.append(1000 * (time.perf_counter() - begin))
        return times


def spread(times: list[float]) -> dict[str, float]:
    """The median and the 95th percentile."""
    ordered = sorted(times)
    return {"p50": statistics.median(ordered), "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]}
