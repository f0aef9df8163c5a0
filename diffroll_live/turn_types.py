"""How requests take turns on one device: an answer pauses, and what it waits for may be computed beside that of others.

Protocols alone; ``worker.desk`` gives the turns, the engine computes.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Ask(Protocol):
    """What an answer waits for. Once it is ``error``, or done, the answer can go on."""

    @property
    def error(self) -> Exception | None:
        """Why it cannot be had; None while it can."""


class Batch(Protocol):
    """Asks of several requests that are computed together."""

    @property
    def asks(self) -> Sequence[Ask]:
        """What is computed."""

    def step(self) -> bool:
        """Compute about one network evaluation; True when all asks are done. An error ends all of them."""


Paused = Generator["Ask | None", None, T]
"""Something of type T on its way: it pauses for an ask, or for None, where others may have a turn as well."""


class Computer(Protocol):
    """What answers wait for: the part of an engine that computes asks."""

    @property
    def abreast(self) -> int:
        """How many asks are worth computing together at most."""

    def gather(self, asks: Sequence[Ask]) -> Batch:
        """Put the first ask into a batch, and of the others those that fit beside it."""


def alone(computer: Computer, answer: Paused[T]) -> T:
    """Compute an answer without giving anybody else a turn."""
    error: Exception | None = None
    while True:
        try:
            ask = next(answer) if error is None else answer.throw(error)
        except StopIteration as end:
            value: T = end.value
            return value
        error = None
        if ask is not None:
            batch = computer.gather([ask])
            while ask.error is None and not batch.step():
                continue
            error = ask.error
