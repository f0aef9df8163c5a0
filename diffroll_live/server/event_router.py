"""Brings each event of the inference process to whoever submitted the work, or opened the live input, it is about."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from diffroll_live.server.surviving import surviving
from diffroll_live.worker.messages import Died, Event, Failed, Finished, LiveEstimated, LiveFailed, Ready, StartFailed

ProcessListener = Callable[[Ready | StartFailed | Died], None]


class EventRouter:
    """One handler for each serial number of work and session number of a live input, which come from one count."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._handlers: dict[int, Callable[[Any], None]] = {}
        self._process_listeners: list[ProcessListener] = []

    def next_number(self) -> int:
        """Give a number that no work and no live input has."""
        return next(self._numbers)

    def follow(self, number: int, handler: Callable[[Any], None]) -> None:
        """Call ``handler`` with every event about a number, until its work has finished or failed."""
        self._handlers[number] = handler

    def drop(self, number: int) -> None:
        """Ignore whatever still comes about a number."""
        self._handlers.pop(number, None)

    def follow_process(self, listener: ProcessListener) -> None:
        """Call ``listener`` whenever the process is ready, fails to start or dies."""
        self._process_listeners.append(listener)

    def route(self, event: Event) -> None:
        """Hand an event over; one that nobody follows is ignored."""
        if isinstance(event, Ready | StartFailed | Died):
            for listener in self._process_listeners:
                with surviving("a listener to the inference process"):
                    listener(event)
            return
        number = event.session if isinstance(event, LiveEstimated | LiveFailed) else event.serial
        handler = self._handlers.get(number)
        if isinstance(event, Finished | Failed):
            self.drop(number)
        if handler is not None:
            with surviving(f"work or live input {number}"):
                handler(event)
