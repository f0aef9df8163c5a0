"""Reading notes out of audio: windows of a recording through an adapter and a sampler, posteriors out.

Where notes are known they are held; what the sampler is and how the network works is not this room's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.windows import Window
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.adapters.cut_windows import cut_windows
from diffroll_live.model.decoding import Posterior, join
from diffroll_live.model.denoiser import Denoise
from diffroll_live.model.samplers import Callback, Sampler, seeded_noise
from diffroll_live.music.roll import N_PITCHES


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample: the same fields give the same posterior."""

    sampler: Sampler
    steps: int
    guidance: float
    seed: int


@dataclass(frozen=True, slots=True)
class Canvas:
    """A roll in part known: roll (channels * 88, n_frames) as an adapter draws it, known (88, n_frames) of 0 and 1."""

    roll: Tensor
    known: Tensor

    def cut(self, begins: list[int], window: int) -> tuple[Tensor, Tensor]:
        """Windows (batch, channels * 88, window) and (batch, 88, window); unknown beyond both ends."""
        return cut_windows(self.roll, begins, window, 0.0), cut_windows(self.known, begins, window, 0.0)


def window_seed(seed: int, variation: int, begin: int) -> int:
    """A seed for one window of one variation, whatever it is batched with."""
    return int(np.random.SeedSequence([seed, variation, begin + 1_000_000]).generate_state(1, np.uint64)[0] >> 1)


def read(
    adapter: ModelAdapter,
    features: Tensor,
    windows: list[Window],
    sampling: Sampling,
    *,
    variations: int = 1,
    canvas: Canvas | None = None,
    audible: Tensor | None = None,
    callback: Callback | None = None,
) -> list[Posterior]:
    """Read windows that go through the network together; one Posterior of their kept frames a variation.

    features: (n_features, n_frames) of the recording. audible: (88, n_frames) of 0 and 1, where it may be heard, 1
    beyond its end; None is everywhere. ``callback`` is called once an evaluation.
    """
    begins = [w.begin for w in windows]
    cut, mask = adapter.cut(features, begins)
    if audible is not None:
        mask = mask * cut_windows(audible, begins, adapter.window_frames, 1.0)
    heard = adapter.hear(cut, mask)
    known = canvas.cut(begins, adapter.window_frames) if canvas is not None else (None, None)
    scale = sampling.guidance if bool(mask.any()) else 0.0  # with nothing to hear there is nothing to be guided by
    denoise = _denoise(adapter, cut, heard, known, scale)
    shape = (len(windows), adapter.channels, adapter.window_frames, N_PITCHES)
    out = []
    for variation in range(variations):
        noise = seeded_noise([window_seed(sampling.seed, variation, b) for b in begins], adapter.device)
        x_t = torch.empty(shape, device=adapter.device)
        noise(x_t)
        timesteps = adapter.schedule.timesteps(sampling.steps)
        x0 = sampling.sampler(denoise, x_t, timesteps, adapter.schedule, noise=noise, callback=callback)
        rows = adapter.posteriors(x0, heard)
        out.append(join([p.cut(w.first - w.begin, w.last - w.begin) for p, w in zip(rows, windows, strict=True)]))
    return out


def _denoise(adapter: ModelAdapter, cut: Tensor, heard: Any, known: Any, scale: float) -> Denoise:
    condition = adapter.condition(heard, *known)
    if scale == 0:
        return adapter.denoise(condition)
    unheard = adapter.hear(cut, cut.new_zeros((len(cut), 1, cut.shape[2])))
    return adapter.guided(condition, adapter.condition(unheard, *known), scale)


def batches(windows: tuple[Window, ...], size: int) -> Iterator[list[Window]]:
    """One window alone, so that the first notes come early, then ``size`` at a time."""
    yield list(windows[:1])
    for at in range(1, len(windows), size):
        yield list(windows[at : at + size])
