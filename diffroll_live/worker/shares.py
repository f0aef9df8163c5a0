"""Each client's share of the computing, and how long its work waits for a first turn. Times are monotonic seconds."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from diffroll_live.worker.messages import Computed, Work

WINDOW = 10.0  # s, of which a share is one


@dataclass(frozen=True, slots=True)
class Share:
    """How a client stands: pieces of work that wait and that have begun, its share of the last seconds, 0 to 1.

    ``wait`` is how long its oldest waiting work has waited, or how long the last one did, in seconds.
    """

    waiting: int
    running: int
    share: float
    wait: float


class Shares:
    """What was computed lately, for whom, and since when the others wait."""

    def __init__(self) -> None:
        self._computed: deque[tuple[float, str, float]] = deque()  # when, for whom, seconds
        self._waiting: dict[int, tuple[str, float]] = {}  # by serial, whose it is and since when
        self._running: dict[int, str] = {}
        self._waited: dict[str, float] = {}  # s, of the client's last work

    def ask(self, work: Work, now: float) -> None:
        """Note work that waits, or waits again since its process died."""
        self._running.pop(work.serial, None)
        self._waiting[work.serial] = work.client, now

    def begin(self, work: Work, now: float) -> None:
        """Note the first turn of work."""
        client, since = self._waiting.pop(work.serial, (work.client, now))
        self._waited[client] = now - since
        self._running[work.serial] = client

    def end(self, work: Work) -> None:
        """Note that work waits and runs no longer."""
        self._waiting.pop(work.serial, None)
        self._running.pop(work.serial, None)

    def compute(self, event: Computed, now: float) -> None:
        """Note what was computed until now."""
        self._computed.extend((now, client, seconds) for client, seconds in event.seconds)
        self._forget(now)

    def report(self, now: float) -> tuple[float, dict[str, Share]]:
        """The busy share of the last seconds, and how each client stands that has work or had some lately."""
        self._forget(now)
        seconds: dict[str, float] = {}
        for _, client, spent in self._computed:
            seconds[client] = seconds.get(client, 0.0) + spent
        waiting = Counter(client for client, _ in self._waiting.values())
        running = Counter(self._running.values())
        since: dict[str, float] = {}
        for client, began in self._waiting.values():
            since.setdefault(client, began)
        shares = {
            client: Share(
                waiting[client],
                running[client],
                min(1.0, seconds.get(client, 0.0) / WINDOW),
                now - since[client] if client in since else self._waited.get(client, 0.0),
            )
            for client in dict.fromkeys((*running, *waiting, *seconds))
        }
        return min(1.0, sum(seconds.values()) / WINDOW), shares

    def _forget(self, now: float) -> None:
        while self._computed and self._computed[0][0] < now - WINDOW:
            self._computed.popleft()
        there = {*self._running.values(), *(client for client, _ in self._waiting.values())}
        there |= {client for _, client, _ in self._computed}
        self._waited = {client: waited for client, waited in self._waited.items() if client in there}
