"""The work that the daemon has given to the inference process: bounded, one slot per client, kept until it is done.

Everything here happens on the thread of the Worker's owner; the supervisor's thread only posts to it. Whose turn it is
decides the process (``desk``); whoever waited when it died begins again in the next one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from diffroll_live.errors import Busy, InternalError
from diffroll_live.types import ModelInfo
from diffroll_live.worker.messages import (
    Cancel,
    Computed,
    Died,
    Event,
    Failed,
    Finished,
    LiveMessage,
    Ready,
    Report,
    Started,
    StartFailed,
    Work,
    describe_exit,
)
from diffroll_live.worker.process import main
from diffroll_live.worker.shares import Share, Shares
from diffroll_live.worker.supervisor import Entry, Supervisor

logger = logging.getLogger(__name__)

_MOST_FAILED_STARTS = 3  # in a row, before the waiting work fails

Post = Callable[[Callable[[], None]], object]


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What the worker is doing. ``load`` is the busy share of the last ten seconds; ``clients`` have shares of it."""

    state: Literal["ready", "busy", "restarting"]
    queued: int
    running: tuple[int, ...]  # serials
    load: float
    clients: dict[str, Share]


@dataclass(slots=True)
class _Item:
    work: Work
    slot: Hashable
    asked: float  # monotonic s
    begun: bool = False


class Worker:
    """Has work done in a process of its own, in which clients take turns, and which is restarted whenever it dies.

    ``factory`` makes the engine, or whatever ``entry`` works with, and must be picklable; ``queue_size`` pieces of work
    may wait; a process has ``grace`` seconds to end by itself. ``imports`` names the modules that it begins with.
    """

    def __init__(
        self,
        factory: Callable[[], object],
        queue_size: int = 64,
        *,
        grace: float = 2.0,
        imports: Sequence[str] = (),
        entry: Entry = main,
    ) -> None:
        self._queue_size = queue_size
        self._supervisor = Supervisor(factory, self._hand_over, grace, imports, entry)
        self._items: dict[int, _Item] = {}  # by serial, in the order in which they came
        self._ready = False
        self._shares = Shares()
        self._info: ModelInfo | None = None

    def begin(self) -> None:
        """Start the process ahead of ``start``; it loads the model meanwhile. ``close`` must follow."""
        self._supervisor.begin()

    def start(self, post: Post, listener: Callable[[Event], None]) -> None:
        """Start the process. ``post`` runs a call on the owner's thread, where ``listener`` gets the events."""
        self._post_call = post
        self._listener = listener
        self._supervisor.start()

    def submit(self, work: Work, slot: Hashable) -> tuple[int, int | None]:
        """Queue a piece of work; it replaces one that waits in the same client slot.

        Returns how many were there before it, and the serial of the one that it replaced. Raises errors.Busy.
        """
        waiting = [item for item in self._items.values() if not item.begun]
        dropped = next((item.work.serial for item in waiting if item.slot == slot), None)
        idle = self._ready and not self._items
        if dropped is not None:
            self._forget(dropped)
        elif len(waiting) >= self._queue_size and not idle:
            raise Busy(f"{len(waiting)} jobs are waiting already; run this one again when one is done.")
        ahead, now = len(self._items), time.monotonic()
        self._items[work.serial] = _Item(work, slot, now, begun=idle)
        self._shares.ask(work, now)
        if self._ready:
            self._supervisor.send(work)
        return ahead, dropped

    def cancel(self, serial: int) -> None:
        """Drop work that waits, or stop it within one network evaluation; the listener gets Failed(Cancelled)."""
        item = self._items.get(serial)
        if item is None:
            return
        if item.begun:
            self._supervisor.send(Cancel(serial))
        else:
            self._forget(serial)
            self._listener(Failed(serial))

    def send_live(self, message: LiveMessage) -> None:
        """Send to the live thread at once; the message is lost while the process starts (from Died to Ready)."""
        self._supervisor.send_live(message)

    def status(self) -> WorkerStatus:
        """Report what the worker is doing."""
        running = tuple(serial for serial, item in self._items.items() if item.begun)
        state: Literal["ready", "busy", "restarting"] = "busy" if running else "ready"
        state = state if self._ready else "restarting"
        load, clients = self._shares.report(time.monotonic())
        return WorkerStatus(state, len(self._items) - len(running), running, load, clients)

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
        """End the process, whatever it does. May take a few seconds; from any thread."""
        self._supervisor.close()

    def _hand_over(self, event: Report) -> None:
        self._post_call(lambda: self._on_event(event))

    def _on_event(self, event: Report) -> None:
        now = time.monotonic()
        if isinstance(event, Ready):
            self._ready, self._info = True, event.info
            for item in self._items.values():
                self._supervisor.send(item.work)
        elif isinstance(event, Died):
            self._ready = False
            self._begin_again(event, now)
        elif isinstance(event, StartFailed):
            self._give_up(event)
        elif isinstance(event, Computed):
            self._shares.compute(event, now)
            return
        elif isinstance(event, Started):
            self._begin(event.serial, now)
        elif isinstance(event, Finished | Failed):
            self._end(event.serial)
        self._listener(event)

    def _begin(self, serial: int, now: float) -> None:
        if serial in self._items:
            self._items[serial].begun = True
            self._shares.begin(self._items[serial].work, now)

    def _forget(self, serial: int) -> None:
        """Drop work that waits here, and in the process too."""
        self._end(serial)
        self._supervisor.send(Cancel(serial))

    def _end(self, serial: int) -> None:
        item = self._items.pop(serial, None)
        if item is not None:
            self._shares.end(item.work)

    def _begin_again(self, death: Died, now: float) -> None:
        """Fail the work that the process died of; all other work waits for the next process."""
        for item in self._items.values():
            if item.begun:
                item.begun = False
                self._shares.ask(item.work, now)
        if death.serial in self._items:
            text = (
                f"The inference process {describe_exit(death.exit_code)}. It starts again by itself; run the job again."
            )
            self._end(death.serial)
            self._listener(Failed(death.serial, InternalError(text)))

    def _give_up(self, failure: StartFailed) -> None:
        """Fail the work that waits for a process that does not start."""
        if failure.attempt < _MOST_FAILED_STARTS:
            return
        for serial in tuple(self._items):
            self._end(serial)
            self._listener(Failed(serial, failure.error))
