"""What a kind of batch computes, as functions of buffers that stay where they are, so that a device can replay them.

All of it is captured at once: the encoder, every step, and the posteriors.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

import torch

from diffroll_live.engine.window_asks import Sampling, WindowRow
from diffroll_live.engine.window_chains import encoded, inputs, roll_shape, sampled
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.captures import Capture
from diffroll_live.model.decoding import Posterior
from diffroll_live.model.samplers import seeded_noise
from diffroll_live.music.roll import N_PITCHES

logger = logging.getLogger(__name__)

MOST_STEPS = 16  # of a chain that is captured; one of many steps would take long to capture
MOST_PROGRAMS = 8  # that are kept; each has buffers of its own
PARTS = 5  # of a Posterior with a value for every pitch


class WindowProgram:
    """The program of one kind of rows, of which ``like`` is one; see window_chains.Chains."""

    def __init__(self, adapter: ModelAdapter, like: WindowRow, size: int, capture: Capture) -> None:
        self._adapter, self._sampling, self._scale = adapter, like.ask.conditions.sampling, like.ask.guidance
        self._inputs = [part.repeat(size, *[1] * (part.dim() - 1)) for part in inputs(adapter, [like])]
        n_draws = draws(adapter, self._sampling)
        self._noise = torch.zeros((n_draws, *roll_shape(adapter, size)), device=adapter.device)
        self._found = torch.zeros((size, PARTS, adapter.window_frames, N_PITCHES), device=adapter.device)
        self._pedal = torch.zeros((size, adapter.window_frames), device=adapter.device) if adapter.hears_pedal else None
        self._encode, self._sample = capture(self.encode), capture(self.sample)

    def load(self, rows: Sequence[WindowRow]) -> None:
        """Copy the rows' windows into the buffers, and encode them."""
        for buffer, part in zip(self._inputs, inputs(self._adapter, rows), strict=True):
            buffer.copy_(part)
        self._encode()

    def evaluate(self, seeds: Sequence[int]) -> Iterator[None]:
        """Draw the noise and run all steps; nothing between them can be seen."""
        noise = seeded_noise(seeds, self._adapter.device)
        for draw in self._noise:
            noise(draw)
        self._sample()
        return iter((None,) * self._sampling.steps)

    def posteriors(self) -> list[Posterior]:
        """Copies of the last posteriors, one for each row."""
        found = self._found.clone()
        if self._pedal is None:
            return [Posterior(*row) for row in found]
        return [replace(Posterior(*row), pedal=pedal) for row, pedal in zip(found, self._pedal.clone(), strict=True)]

    def encode(self) -> None:
        """Encode the windows: a function of their buffers alone."""
        self._encoded, self._denoise = encoded(self._adapter, self._inputs, self._scale)

    def sample(self) -> None:
        """Run all steps: a function of what was encoded and of the noise alone; fills the buffer of posteriors."""
        start, *later = self._noise
        left = iter(later)
        last = start
        for x0 in sampled(self._adapter, self._denoise, self._sampling, start, lambda out: out.copy_(next(left))):
            last = x0
        rows = self._adapter.posteriors(last, self._encoded)
        torch.stack([torch.stack(row.parts()[:PARTS]) for row in rows], out=self._found)
        if self._pedal is not None:
            torch.stack([row.pedal for row in rows if row.pedal is not None], out=self._pedal)


class Programs:
    """The programs of the kinds of batches that come again; a kind that comes for the second time gets one."""

    def __init__(self, adapter: ModelAdapter, capture: Capture) -> None:
        self._adapter, self._capture = adapter, capture
        self._programs: OrderedDict[Hashable, WindowProgram] = OrderedDict()
        self._seen: Counter[Hashable] = Counter()

    def find(self, rows: Sequence[WindowRow]) -> WindowProgram | None:
        """The program of rows of one kind; None where they have to do without."""
        like = rows[0]
        if like.ask.conditions.sampling.steps > MOST_STEPS or any(row.ask.progress.is_watched for row in rows):
            return None
        kind = like.ask.kind, len(rows)
        self._seen[kind] += 1
        if kind not in self._programs and self._seen[kind] > 1:
            self._make(kind, like, len(rows))
        if kind in self._programs:
            self._programs.move_to_end(kind)
        return self._programs.get(kind)

    def _make(self, kind: Hashable, like: WindowRow, size: int) -> None:
        try:
            self._programs[kind] = WindowProgram(self._adapter, like, size, self._capture)
        except RuntimeError:
            logger.warning("a batch of %d windows cannot be captured; it is computed without", size, exc_info=True)
            self._seen[kind] = -(10**9)
        while len(self._programs) > MOST_PROGRAMS:
            self._programs.popitem(last=False)


def draws(adapter: ModelAdapter, sampling: Sampling) -> int:
    """How often a chain draws noise, its start included."""
    count = 1

    def noise(_: torch.Tensor) -> None:
        nonlocal count
        count += 1

    for _ in sampled(adapter, lambda x_t, _: x_t, sampling, torch.zeros(1), noise):
        continue
    return count
