"""Windows of a recording through a network and a sampler: audio and known notes in, posteriors out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.canvas import Canvas
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
class WindowConditions:
    """The conditions of sampling windows: sampler settings, variations, known notes and audible cells.

    audible: (1 or 88, n_frames) of 0 and 1, where the audio is not hidden, 1 beyond its end; None means everywhere.
    """

    sampling: Sampling
    variations: int = 1
    canvas: Canvas | None = None
    audible: Tensor | None = None


def window_seed(seed: int, variation: int, begin: int) -> int:
    """A seed for one window of one variation, independent of its batch."""
    return int(np.random.SeedSequence([seed, variation, begin + 1_000_000]).generate_state(1, np.uint64)[0] >> 1)


def sample_windows(
    adapter: ModelAdapter,
    features: Tensor,
    windows: list[Window],
    conditions: WindowConditions,
    callback: Callback | None = None,
) -> list[Posterior]:
    """Sample windows in one batch; one Posterior of the kept frames per variation.

    features: (n_features, n_frames) of the recording. ``callback`` is called once per evaluation.
    """
    sampling, canvas = conditions.sampling, conditions.canvas
    begins = [w.begin for w in windows]
    cut, mask = adapter.cut(features, begins)
    if conditions.audible is not None:
        mask = mask * cut_windows(conditions.audible, begins, adapter.window_frames, 1.0)
    encoded = adapter.encode(cut, mask)
    known = canvas.cut(begins, adapter.window_frames) if canvas is not None else (None, None)
    scale = sampling.guidance if bool(mask.any()) else 0.0  # without audio there is nothing to guide by
    denoise = _denoise(adapter, cut, encoded, known, scale)
    shape = (len(windows), adapter.channels, adapter.window_frames, N_PITCHES)
    out = []
    for variation in range(conditions.variations):
        noise = seeded_noise([window_seed(sampling.seed, variation, b) for b in begins], adapter.device)
        x_t = torch.empty(shape, device=adapter.device)
        noise(x_t)
        timesteps = adapter.schedule.timesteps(sampling.steps)
        x0 = sampling.sampler(denoise, x_t, timesteps, adapter.schedule, noise=noise, callback=callback)
        rows = adapter.posteriors(x0, encoded)
        out.append(join([p.cut(w.first - w.begin, w.last - w.begin) for p, w in zip(rows, windows, strict=True)]))
    return out


def _denoise(adapter: ModelAdapter, cut: Tensor, encoded: Any, known: Any, scale: float) -> Denoise:
    condition = adapter.condition(encoded, *known)
    if scale == 0:
        return adapter.denoise(condition)
    unconditional = adapter.encode(cut, cut.new_zeros((len(cut), 1, cut.shape[2])))
    return adapter.guided(condition, adapter.condition(unconditional, *known), scale)


def batches(windows: tuple[Window, ...], size: int) -> Iterator[list[Window]]:
    """First a single window, so that the first notes come early, then ``size`` at a time."""
    yield list(windows[:1])
    for at in range(1, len(windows), size):
        yield list(windows[at : at + size])
