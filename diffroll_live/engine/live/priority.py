"""Lets a live hop go before a job on the same network, from one layer of the job to the next.

Two threads that compute at once would take turns as the system sees fit, and on one core the one that waits for the
interpreter waits for the other's time slice as well. So a job is held up while a hop is transcribed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


class PriorityGate:
    """Holds up every other thread that calls a layer of a network while a hop is transcribed."""

    def __init__(self, network: nn.Module) -> None:
        self._free = threading.Event()
        self._free.set()
        self._first: int | None = None  # the thread that goes first
        for module in network.modules():
            module.register_forward_pre_hook(self._wait_for_turn)

    @contextmanager
    def first(self) -> Iterator[None]:
        """Go first inside; one thread at a time."""
        self._first = threading.get_ident()
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def _wait_for_turn(self, *_: object) -> None:
        if not self._free.is_set() and threading.get_ident() != self._first:
            self._free.wait()
