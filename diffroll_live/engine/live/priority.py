"""Gives a live hop priority over a job on the same network, between layers of the job.

Two threads that compute at once would be scheduled arbitrarily, and on one core the one that waits for the interpreter
also waits for the other's time slice. So a job is paused while a hop is transcribed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


class PriorityGate:
    """Pauses every other thread at its next layer of the network while a hop is transcribed."""

    def __init__(self, network: nn.Module) -> None:
        self._free = threading.Event()
        self._free.set()
        self._first: int | None = None  # the thread with priority
        for module in network.modules():
            module.register_forward_pre_hook(self._wait_for_turn)

    @contextmanager
    def first(self) -> Iterator[None]:
        """Have priority inside; one thread at a time."""
        self._first = threading.get_ident()
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def _wait_for_turn(self, *_: object) -> None:
        if not self._free.is_set() and threading.get_ident() != self._first:
            self._free.wait()
