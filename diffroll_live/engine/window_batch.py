"""Windows of one request or of several through a network and a sampler together: posteriors out.

A batch has the same number of rows whatever it holds, and spare rows repeat others. At one shape every row is computed
by the same operations in the same order, so the bits of a window depend on nothing but the window.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import cycle, islice

import torch
from torch import Tensor

from diffroll_live.engine.out_of_memory import TOO_LITTLE, is_shortage
from diffroll_live.engine.window_asks import WindowAsk, WindowRow, side_by_side
from diffroll_live.errors import DeviceMemory
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.decoding import Posterior, join
from diffroll_live.model.samplers import seeded_noise
from diffroll_live.music.roll import N_PITCHES

Found = list[tuple[WindowRow, int, Posterior]]
"""Kept frames of a row and a variation."""


class WindowBatch:
    """Samples asks of one kind in ``size`` rows, or fewer where memory is short; see turn_types.Batch.

    ``watched`` surrounds whatever computes.
    """

    def __init__(
        self,
        adapter: ModelAdapter,
        asks: Sequence[WindowAsk],
        size: int,
        watched: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.asks, self._adapter, self._watched = tuple(asks), adapter, watched
        self._running = self._run([row for ask in asks for row in ask.rows()], size)

    @torch.inference_mode()
    def step(self) -> bool:
        """Evaluate the network once; True when all asks have their posteriors. Raises DeviceMemory."""
        begin = time.perf_counter()
        with self._watched():
            done = next(self._running, self) is self
        for ask in self.asks:
            ask.progress.spent("sample", time.perf_counter() - begin)
        return done

    def _run(self, rows: list[WindowRow], size: int) -> Iterator[None]:
        found: Found = []
        yield from self._sample(rows, size, found)
        for ask in (ask for ask in self.asks if ask.error is None):
            for variation in range(ask.conditions.variations):
                parts = [part for row, number, part in found if row.ask is ask and number == variation]
                ask.posteriors.append(join(parts))

    def _sample(self, rows: list[WindowRow], size: int, found: Found) -> Iterator[None]:
        """Sample rows, in halves where memory is short. Raises DeviceMemory when a single one does not fit."""
        asks = dict.fromkeys(row.ask for row in rows)
        begun = {ask: ask.progress.done for ask in asks}
        try:
            found.extend((yield from self._sample_at_once(rows, size)))
            return
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error):
                raise
            if size == 1:
                raise DeviceMemory(TOO_LITTLE) from error
        # At this point the failed attempt's tensors are freed.
        half = -(-size // 2)
        parts = [rows[at : at + half] for at in range(0, len(rows), half)]
        for ask in asks:
            evaluations = ask.conditions.sampling.steps * ask.conditions.variations
            again = sum(any(row.ask is ask for row in part) for part in parts)
            ask.progress.total += ask.progress.done - begun[ask] + (again - 1) * evaluations
        for part in parts:
            yield from self._sample(part, half, found)

    def _sample_at_once(self, rows: list[WindowRow], size: int) -> Generator[None, None, Found]:
        filled = list(islice(cycle(rows), size))
        conditions, asks = rows[0].ask.conditions, dict.fromkeys(row.ask for row in rows)
        found: Found = []
        chains = Chains(self._adapter, filled)
        for variation in range(conditions.variations):
            for x0 in chains.evaluate(variation):
                for ask in asks:
                    if ask.error is None:
                        ask.evaluated(x0[[row.ask is ask for row in rows].index(True) :])
                if all(ask.error is not None for ask in asks):
                    return []
                yield
            found += [(row, variation, row.kept(part)) for row, part in zip(rows, chains.posteriors(), strict=False)]
        return found


class Chains:
    """Chains of sampling steps, one for each row, all of one kind."""

    def __init__(self, adapter: ModelAdapter, rows: list[WindowRow]) -> None:
        self._adapter, self._rows, self._ask = adapter, rows, rows[0].ask
        windows, mask = side_by_side([row.cut(adapter) for row in rows])
        known = side_by_side([row.known(adapter) for row in rows])
        self._encoded = adapter.encode(windows, mask)
        condition, scale = adapter.condition(self._encoded, *known), self._ask.guidance
        if scale:
            unconditional = adapter.encode(windows, torch.zeros_like(mask[:, :1]))
            self._denoise = adapter.guided(condition, adapter.condition(unconditional, *known), scale)
        else:
            self._denoise = adapter.denoise(condition)
        self._x0: Tensor | None = None

    def evaluate(self, variation: int) -> Iterator[Tensor]:
        """Sample one variation; yield x0, (n_rows, channels, n_frames, 88), after every evaluation."""
        adapter, sampling = self._adapter, self._ask.conditions.sampling
        noise = seeded_noise([row.seed(variation) for row in self._rows], adapter.device)
        x_t = torch.empty((len(self._rows), adapter.channels, adapter.window_frames, N_PITCHES), device=adapter.device)
        noise(x_t)
        timesteps = adapter.schedule.timesteps(sampling.steps)
        for x0 in sampling.sampler(self._denoise, x_t, timesteps, adapter.schedule, noise=noise):
            self._x0 = x0
            yield x0

    def posteriors(self) -> list[Posterior]:
        """The last estimate as posteriors, one for each row."""
        assert self._x0 is not None
        return self._adapter.posteriors(self._x0, self._encoded)
