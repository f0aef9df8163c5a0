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

from diffroll_live.engine.out_of_memory import TOO_LITTLE, is_shortage
from diffroll_live.engine.window_asks import WindowAsk, WindowRow
from diffroll_live.engine.window_chains import Chains, EagerChains
from diffroll_live.engine.window_program import Programs
from diffroll_live.errors import DeviceMemory
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.decoding import Posterior, join

Found = list[tuple[WindowRow, int, Posterior]]
"""Kept frames of a row and a variation."""


class WindowBatch:
    """Samples asks of one kind in ``size`` rows, or fewer where memory is short; see turn_types.Batch.

    ``programs`` are those that the device can replay. ``watched`` surrounds whatever computes.
    """

    def __init__(
        self,
        adapter: ModelAdapter,
        asks: Sequence[WindowAsk],
        size: int,
        programs: Programs | None = None,
        watched: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.asks, self._adapter, self._programs, self._watched = tuple(asks), adapter, programs, watched
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

    def _chains(self, rows: list[WindowRow]) -> Chains:
        program = self._programs.find(rows) if self._programs is not None else None
        return program or EagerChains(self._adapter)

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
        chains = self._chains(filled)
        chains.load(filled)
        for variation in range(conditions.variations):
            for x0 in chains.evaluate([row.seed(variation) for row in filled]):
                for ask in asks:
                    if ask.error is None:
                        mine = [index for index, row in enumerate(rows) if row.ask is ask]
                        seen = x0[mine] if x0 is not None and variation == 0 and ask.progress.is_watched else None
                        ask.evaluated([rows[index].window for index in mine], seen)
                if all(ask.error is not None for ask in asks):
                    return []
                yield
            found += [(row, variation, row.kept(part)) for row, part in zip(rows, chains.posteriors(), strict=False)]
        return found
