"""Windows through a network and a sampler side by side: a chain of steps for each, evaluated as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from diffroll_live.engine.window_asks import Sampling, WindowRow
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.decoding import Posterior
from diffroll_live.model.denoiser import Denoise
from diffroll_live.model.samplers import Noise, seeded_noise
from diffroll_live.music.roll import N_PITCHES


class Chains(Protocol):
    """What samples the rows of a batch, one variation after another."""

    def load(self, rows: Sequence[WindowRow]) -> None:
        """Take the windows of rows of one kind."""

    def evaluate(self, seeds: Sequence[int]) -> Iterator[Tensor | None]:
        """Sample with a seed for each row; pause after each evaluation, with x0 (n_rows, ...) where it can be seen."""

    def posteriors(self) -> list[Posterior]:
        """The last estimate as posteriors, one for each row."""


class EagerChains:
    """Chains that are launched operation by operation, for any kind of rows."""

    def __init__(self, adapter: ModelAdapter) -> None:
        self._adapter = adapter

    def load(self, rows: Sequence[WindowRow]) -> None:
        """See Chains."""
        self._size, self._sampling = len(rows), rows[0].ask.conditions.sampling
        self._encoded, self._denoise = encoded(self._adapter, inputs(self._adapter, rows), rows[0].ask.guidance)

    def evaluate(self, seeds: Sequence[int]) -> Iterator[Tensor]:
        """See Chains."""
        adapter = self._adapter
        noise = seeded_noise(seeds, adapter.device)
        x_t = torch.empty(roll_shape(adapter, self._size), device=adapter.device)
        noise(x_t)
        for x0 in sampled(adapter, self._denoise, self._sampling, x_t, noise):
            self._x0 = x0
            yield x0

    def posteriors(self) -> list[Posterior]:
        """See Chains."""
        return self._adapter.posteriors(self._x0, self._encoded)


def inputs(adapter: ModelAdapter, rows: Sequence[WindowRow]) -> tuple[Tensor, ...]:
    """What is known of windows: features, audio mask and, where some of the roll is known, that roll and where."""
    parts = [(*row.cut(adapter), *row.known(adapter)) for row in rows]
    return tuple(torch.cat(column) for column in zip(*parts, strict=True))


def encoded(adapter: ModelAdapter, given: Sequence[Tensor], scale: float) -> tuple[Any, Denoise]:
    """Encode ``inputs``, guided by ``scale``: what the adapter made of the audio, and the function to sample with."""
    windows, mask, *known = given
    heard = adapter.encode(windows, mask)
    condition = adapter.condition(heard, *known)
    if not scale:
        return heard, adapter.denoise(condition)
    unheard = adapter.encode(windows, torch.zeros_like(mask[:, :1]))
    return heard, adapter.guided(condition, adapter.condition(unheard, *known), scale)


def sampled(adapter: ModelAdapter, denoise: Denoise, sampling: Sampling, x_t: Tensor, noise: Noise) -> Iterator[Tensor]:
    """Go from noise to a roll; every x0 on the way."""
    schedule = adapter.schedule
    return sampling.sampler(denoise, x_t, schedule.timesteps(sampling.steps), schedule, noise=noise)


def roll_shape(adapter: ModelAdapter, n_rows: int) -> tuple[int, ...]:
    """The shape of the rolls of so many windows."""
    return n_rows, adapter.channels, adapter.window_frames, N_PITCHES
