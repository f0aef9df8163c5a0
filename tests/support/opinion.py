"""Infill with a model adapter that thinks what it is told to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.canvas import Canvas
from diffroll_live.engine.infill.writer import InfillContext, Writer, WritingStyle
from diffroll_live.engine.windowed_sampling import Sampling
from diffroll_live.model.adapters.cut_windows import cut_windows
from diffroll_live.model.denoiser import Denoise
from diffroll_live.model.roll_targets import NoteArray, target_of
from diffroll_live.model.samplers import sample_ddim
from diffroll_live.model.schedules import CosineSchedule
from diffroll_live.music.roll import N_PITCHES, RollGeometry

GEOMETRY = RollGeometry(16_000, 256)
FRAMES = 600


class Opinion:
    """A pitch begins with its own probability in any frame, and a note goes on with another."""

    window_frames, margin_frames, channels = 256, 8, 3
    geometry, schedule, device = GEOMETRY, CosineSchedule(), torch.device("cpu")
    writes_in_blocks = True

    def __init__(self, onset: Tensor | float = 0.002, lasting: float = 0.9) -> None:
        self.onset, self.lasting = torch.as_tensor(onset).expand(N_PITCHES), lasting
        self.asked: list[int] = []
        self.told: list[tuple[Tensor, Tensor]] = []

    def cut(self, features: Tensor, begins: Sequence[int]) -> tuple[Tensor, Tensor]:
        windows = cut_windows(features, begins, self.window_frames, 0.0)
        return windows, torch.ones(len(begins), 1, self.window_frames)

    def encode(self, windows: Tensor, audio_mask: Tensor) -> Tensor:
        return audio_mask

    def condition(self, heard: Any, known: Tensor | None = None, known_mask: Tensor | None = None) -> Any:
        assert known is not None
        assert known_mask is not None
        self.told.append((known.clone(), known_mask.clone()))
        sounds = (known[:, N_PITCHES : 2 * N_PITCHES] > 0) & (known_mask > 0)
        frames = torch.arange(known.shape[2])
        since = frames - torch.where(sounds, frames, -1000).cummax(dim=2).values
        return torch.full((1,), self.lasting) ** since.transpose(1, 2)

    def denoise(self, condition: Any) -> Denoise:
        def denoise(x_t: Tensor, t: float) -> Tensor:
            self.asked.append(len(x_t))
            x0 = torch.empty_like(x_t)
            x0[:, 0], x0[:, 1], x0[:, 2] = self.onset, condition, 0.5
            return x0

        return denoise

    def probabilities(self, x0: Tensor) -> Tensor:
        return x0


def scene(writable: Tensor, given: NoteArray | None = None) -> InfillContext:
    """A silent recording with a hole, and notes that are known around it."""
    around = np.zeros((0, 4)) if given is None else given
    target = target_of(around, GEOMETRY, FRAMES)
    roll = torch.from_numpy(np.concatenate([target.onset.T, target.frame.T, target.velocity.T]) * 2 - 1)
    sounding = torch.from_numpy(target.frame.T) > 0
    known = (~writable | sounding).float()
    return InfillContext(torch.zeros(1, FRAMES), torch.ones(FRAMES), Canvas(roll, known), writable & ~sounding, around)


def hole(first: int, last: int, low: int = 0, high: int = N_PITCHES) -> Tensor:
    writable = torch.zeros(N_PITCHES, FRAMES, dtype=torch.bool)
    writable[low:high, first:last] = True
    return writable


def write(
    adapter: Opinion,
    place: InfillContext,
    *,
    seed: int = 0,
    n: int = 1,
    temperature: float = 1.0,
    density: float = 1.0,
    steps: int = 1,
) -> Writer:
    writer = Writer(adapter, place, Sampling(sample_ddim, steps, 0.0, seed), WritingStyle(temperature, density), n)
    for first, last in writer.blocks():
        writer.write(first, last, None)
    return writer


def notes_of(writer: Writer, variation: int = 0) -> NoteArray:
    return writer.notes(variation, 0, FRAMES)
