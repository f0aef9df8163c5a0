"""Whose turn it is: each client gets an equal share of the computing, and what one saves up while idle is little.

Fair queueing by what each has had (Demers, Keshav and Shenker, 1989), with credit: who asks for little is not held up
by who asks for much, and who asks all the time gets no more than a share. No clock, no work.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

CREDIT = 3.0  # s of computing that whoever comes is ahead of those who are there, and that brief work is let go on for

C = TypeVar("C", bound=Hashable)


class Turns:
    """What every client has had, in seconds of computing."""

    def __init__(self, credit: float = CREDIT) -> None:
        self._credit = credit
        self._had: dict[Hashable, float] = {}  # of those that wait, and of those that still have less than others
        self._level = 0.0  # what those that wait have all had; it only grows
        self._under_way: Hashable | None = None  # who has had the last turn, if that was for brief work

    def enter(self, client: Hashable) -> None:
        """Let a client wait for turns, who may have been idle."""
        self._had[client] = max(self._had.get(client, 0.0), self._level - self._credit)

    def charge(self, client: Hashable, seconds: float, *, brief: bool) -> None:
        """Note that a client has had a turn, and whether all of the work that it was for is brief."""
        self._had[client] = self._had.get(client, self._level) + seconds
        self._under_way = client if brief else None

    def order(self, clients: Iterable[C]) -> list[C]:
        """Sort those that wait: who has had least goes first, but brief work is not interrupted for little."""
        waiting = sorted(clients, key=lambda client: self._had[client])
        if not waiting:
            return waiting
        least = self._had[waiting[0]]
        self._level = max(self._level, least)
        self._forget(waiting)
        if self._under_way in waiting and self._had[self._under_way] - least < self._credit:
            waiting.sort(key=lambda client: client != self._under_way)
        return waiting

    def _forget(self, waiting: Iterable[Hashable]) -> None:
        """Forget those who would begin anew with no less than they have had."""
        there = set(waiting)
        anew = self._level - self._credit
        self._had = {client: had for client, had in self._had.items() if client in there or had > anew}
