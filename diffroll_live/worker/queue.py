"""The queue in front of the inference process: bounded, one slot per client, first come first served.

Everything here happens on the thread of the Worker's owner; the supervisor's thread only posts to it.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal

from diffroll_live.errors import Busy, InternalError
from diffroll_live.types import Engine, ModelInfo
from diffroll_live.worker.messages import (
    Died,
    Event,
    Failed,
    Finished,
    LiveMessage,
    Ready,
    StartFailed,
    Work,
    describe_exit,
)
from diffroll_live.worker.supervisor import Supervisor

logger = logging.getLogger(__name__)

_LOAD_WINDOW = 10.0  # s
_MOST_FAILED_STARTS = 3  # in a row, before the waiting work fails

Post = Callable[[Callable[[], None]], object]


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What the worker is doing. ``load`` is the busy share of the last ten seconds."""

    state: Literal["ready", "busy", "restarting"]
    queued: int
    running: int | None  # serial
    load: float


@dataclass(frozen=True, slots=True)
class _Waiting:
    work: Work
    slot: Hashable


class Worker:
    """Runs one piece of work at a time in a process of its own, which is restarted whenever it dies.

    ``factory`` makes the engine and must be picklable; ``queue_size`` pieces of work may wait; a process has
    ``grace`` seconds to end by itself.
    """

    def __init__(self, factory: Callable[[], Engine], queue_size: int = 4, *, grace: float = 2.0) -> None:
        self._queue_size = queue_size
        self._supervisor = Supervisor(factory, self._hand_over, grace)
        self._waiting: deque[_Waiting] = deque()
        self._running: Work | None = None
        self._ready = False
        self._load = _LoadMeter()
        self._info: ModelInfo | None = None

    def start(self, post: Post, listener: Callable[[Event], None]) -> None:
        """Start the process. ``post`` runs a call on the owner's thread, where ``listener`` gets every event."""
        self._post_call = post
        self._listener = listener
        self._supervisor.start()

    def submit(self, work: Work, slot: Hashable) -> tuple[int, int | None]:
        """Queue a piece of work; it replaces one that waits in the same client slot.

        Returns how many are ahead of it, and the serial of the one that it replaced. Raises errors.Busy.
        """
        dropped = next((item for item in self._waiting if item.slot == slot), None)
        if dropped is not None:
            self._waiting.remove(dropped)
        elif len(self._waiting) >= self._queue_size and not self._idle:
            raise Busy(f"{len(self._waiting)} jobs are waiting already; run this one again when one is done.")
        ahead = len(self._waiting) + (self._running is not None)
        self._waiting.append(_Waiting(work, slot))
        self._next()
        return ahead, dropped.work.serial if dropped else None

    def cancel(self, serial: int) -> None:
        """Drop work that waits, or stop it within one network evaluation; the listener gets Failed(Cancelled)."""
        if self._running is not None and self._running.serial == serial:
            self._supervisor.cancel(serial)
            return
        for item in [item for item in self._waiting if item.work.serial == serial]:
            self._waiting.remove(item)
            self._listener(Failed(serial))

    def send_live(self, message: LiveMessage) -> None:
        """Send to the live thread at once; the message is lost while the process starts (from Died to Ready)."""
        self._supervisor.send_live(message)

    def status(self) -> WorkerStatus:
        """Report what the worker is doing."""
        busy = self._running is not None
        state: Literal["ready", "busy", "restarting"] = "restarting" if not self._ready else "busy" if busy else "ready"
        serial = self._running.serial if self._running else None
        return WorkerStatus(state, len(self._waiting), serial, self._load.share(time.monotonic()))

    @property
    def info(self) -> ModelInfo:
        """The model of the engine, which must have been ready once."""
        assert self._info is not None
        return self._info

    @property
    def is_ready(self) -> bool:
        """Whether the process takes messages."""
        return self._ready

    def close(self) -> None:
        """Stop what runs, forget what waits, and end the process. May take a few seconds; from any thread."""
        if self._running is not None:
            self._supervisor.cancel(self._running.serial)
        self._supervisor.close()

    @property
    def _idle(self) -> bool:
        return self._ready and self._running is None

    def _hand_over(self, event: Event) -> None:
        self._post_call(lambda: self._on_event(event))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Ready):
            self._ready, self._info = True, event.info
        elif isinstance(event, Died):
            self._ready = False
            self._fail_lost(event)
        elif isinstance(event, StartFailed):
            self._give_up(event)
        elif isinstance(event, Finished | Failed):
            self._finish_running()
        self._listener(event)
        self._next()

    def _next(self) -> None:
        if self._idle and self._waiting:
            self._running = self._waiting.popleft().work
            self._load.begin(time.monotonic())
            self._supervisor.send(self._running)

    def _finish_running(self) -> None:
        self._running = None
        self._load.end(time.monotonic())

    def _fail_lost(self, death: Died) -> None:
        if death.serial is None:
            return
        self._finish_running()
        text = f"The inference process {describe_exit(death.exit_code)}. It starts again by itself; run the job again."
        self._listener(Failed(death.serial, InternalError(text)))

    def _give_up(self, failure: StartFailed) -> None:
        """Fail the work that waits for a process that does not start."""
        if failure.attempt < _MOST_FAILED_STARTS:
            return
        lost, self._waiting = self._waiting, deque()
        for item in lost:
            self._listener(Failed(item.work.serial, failure.error))


class _LoadMeter:
    """The busy share of the last seconds."""

    def __init__(self) -> None:
        self._spans: deque[tuple[float, float]] = deque()
        self._since: float | None = None

    def begin(self, now: float) -> None:
        """Note that work begins, at a monotonic time."""
        self._since = now

    def end(self, now: float) -> None:
        """Note that work ends."""
        if self._since is not None:
            self._spans.append((self._since, now))
        self._since = None

    def share(self, now: float) -> float:
        """Give the share in [0, 1]."""
        start = now - _LOAD_WINDOW
        while self._spans and self._spans[0][1] < start:
            self._spans.popleft()
        spans = [*self._spans, (self._since, now)] if self._since is not None else [*self._spans]
        return min(1.0, sum(end - max(begin, start) for begin, end in spans) / _LOAD_WINDOW)
