"""The live inputs of all clients: opened and closed by whoever brings their samples, set over OSC. Opens no device."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from diffroll_live.errors import RequestError, UnknownBuffer
from diffroll_live.limits import Limit
from diffroll_live.live_types import LiveSettings
from diffroll_live.osc import messages as m
from diffroll_live.server.clients import Client
from diffroll_live.server.live.session import LiveSession
from diffroll_live.server.midi_output import MidiOut
from diffroll_live.worker.messages import Died, Event, LiveFailed, LiveHeard, Ready
from diffroll_live.worker.queue import Worker

#: What /diffroll/live/set takes, by its key: a range, or names.
CHOICES: dict[str, Limit | tuple[str, ...]] = {
    "latency": Limit(50, 700),  # ms
    "lane": ("commit", "preview"),
    "deliver": ("osc", "midi", "both"),
    "channel": Limit(1, 16, whole=True),
}
_FIELDS = {"latency": "latency_ms"}


class LiveHandlers:
    """Knows every live session, brings it what the worker tells, and handles ``/diffroll/live`` messages."""

    def __init__(self, worker: Worker, midi: MidiOut | None) -> None:
        self._worker, self._midi = worker, midi
        self._sessions: dict[int, LiveSession] = {}
        self._numbers = itertools.count(1)
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {m.LiveSet: self._set}

    def open(self, client: Client, buffer: str, rate: int, *, latency_ms: float = 0.0) -> LiveSession:
        """Begin to hear an input of ``rate`` Hz; a latency of 0 is the daemon's own choice. Raises RequestError."""
        settings = change(LiveSettings(), "latency", latency_ms) if latency_ms else LiveSettings()
        number = next(self._numbers)
        self._sessions[number] = LiveSession(
            client,
            buffer,
            rate,
            settings,
            number=number,
            worker=self._worker,
            midi=self._midi,
            clock=self._midi.now if self._midi is not None else time.perf_counter,
            on_close=partial(self._forget, number),
        )
        return self._sessions[number]

    def close(self) -> None:
        """End all sessions."""
        for session in tuple(self._sessions.values()):
            session.close()

    def on_event(self, event: Event) -> None:
        """Follow the worker. What it tells of sessions that have ended meanwhile is passed over."""
        if isinstance(event, LiveHeard | LiveFailed):
            session = self._sessions.get(event.session)
            if session is not None and isinstance(event, LiveHeard):
                session.heard(event)
            elif session is not None and isinstance(event, LiveFailed):
                session.fail(event.error)
        elif isinstance(event, Died | Ready):
            for session in self._sessions.values():
                (session.interrupt if isinstance(event, Died) else session.resume)()

    def find(self, client: Client, buffer: str) -> LiveSession:
        """Give the session of a client's buffer. Raises errors.UnknownBuffer."""
        for session in self._sessions.values():
            if session.client is client and session.buffer == buffer:
                return session
        raise UnknownBuffer(f"There is no live input {buffer!r}; listen to a device, or open a live buffer.")

    def _forget(self, number: int) -> None:
        self._sessions.pop(number, None)

    def _set(self, client: Client, message: m.LiveSet) -> None:
        session = self.find(client, message.buffer)
        session.settings = change(session.settings, message.key, message.value)


def change(settings: LiveSettings, key: str, value: str | float) -> LiveSettings:
    """Set one setting. Raises errors.RequestError for a key or a value that cannot be."""
    choice = CHOICES.get(key)
    if choice is None:
        raise RequestError(f"A live input has no setting {key!r}; there are {', '.join(CHOICES)}.")
    if isinstance(choice, tuple):
        if value not in choice:
            raise RequestError(f"{key} must be one of {', '.join(choice)}, not {value!r}.")
        return replace(settings, **{key: value})  # type: ignore[arg-type]  # checked against its names
    try:
        number = choice.check(value)
    except RequestError as error:
        raise RequestError(f"{key} {error.text}.") from error
    return replace(settings, **{_FIELDS.get(key, key): number})  # type: ignore[arg-type]
