"""How many threads requests compute with: fewer where that is sooner, since other programs use the cores too.

Nothing is measured while a request waits. Their share of the cores shows that the load has changed; then the engine
measures again when it is idle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from diffroll_live.model.adapters.base import ModelAdapter

ROUNDS = 3  # of every number of threads
FEWER = 0.8  # of the time with all threads; what is hardly sooner is chance
CHANGE = 0.3  # of the share of the cores
LONG = 0.25  # s of computing; less tells nothing
PAUSE = 10.0  # s from one measurement to the next


class ThreadChoice:
    """Chooses from 1 to ``most`` threads by ``seconds``, which times a reference evaluation; for one thread."""

    def __init__(self, most: int, seconds: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._counts = sorted({most, *(2**power for power in range(most.bit_length()))})
        self._seconds, self._clock = seconds, clock
        self._wanted = most > 1
        self._share: float | None = None  # of what was computed first since the last measurement, in cores
        self._spent = self._used = 0.0  # s, and s of processors, that no share was made of yet
        self._measured = -PAUSE

    @property
    def due(self) -> bool:
        """Whether it is time to measure."""
        return self._wanted and self._clock() >= self._measured + PAUSE

    def choose(self) -> int:
        """Measure every number of threads, and compute with the best of them from now on."""
        times = dict.fromkeys(self._counts, 0.0)
        for _ in range(ROUNDS):  # in turns, so that all of them meet the same load
            for count in self._counts:
                torch.set_num_threads(count)
                times[count] += self._seconds()
        most = self._counts[-1]
        best = min(self._counts, key=times.__getitem__)
        chosen = best if times[best] < FEWER * times[most] else most
        torch.set_num_threads(chosen)
        self._wanted, self._share, self._measured = False, None, self._clock()
        return chosen

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch what computes inside for a share of the cores that differs from what was before."""
        begin, cpu = time.perf_counter(), time.process_time()
        yield
        self._spent += time.perf_counter() - begin
        self._used += time.process_time() - cpu
        if self._spent >= LONG:
            self.observe(self._used / self._spent)
            self._spent = self._used = 0.0

    def observe(self, share: float) -> None:
        """Take a share of the cores: processor seconds a second."""
        if self._share is None:
            self._share = share
        elif abs(share - self._share) > CHANGE * self._share and self._counts[-1] > 1:
            self._wanted = True


def reference(adapter: ModelAdapter) -> Callable[[], float]:
    """Make a function that times one evaluation of a quarter of a window of silence, in seconds."""
    frames = adapter.window_frames // 4
    silence = torch.zeros((1, adapter.n_features, frames), device=adapter.device)
    heard = torch.ones((1, 1, frames), device=adapter.device)
    (t,) = adapter.schedule.timesteps(1)

    @torch.inference_mode()
    def seconds() -> float:
        x_t = torch.zeros((1, adapter.channels, frames, 88), device=adapter.device)
        begin = time.perf_counter()
        adapter.denoise(adapter.condition(adapter.encode(silence, heard)))(x_t, t)
        return time.perf_counter() - begin

    return seconds
