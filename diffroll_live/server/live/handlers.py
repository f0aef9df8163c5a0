"""The live inputs of all clients: opened and closed by whoever has their samples, set over OSC. Opens no device."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from diffroll_live.errors import UnknownBuffer
from diffroll_live.limits import set_option
from diffroll_live.live_types import LiveSettings
from diffroll_live.osc import messages as m
from diffroll_live.server.clients import Client
from diffroll_live.server.event_router import EventRouter
from diffroll_live.server.live.session import LiveSession
from diffroll_live.server.midi_output import MidiOut
from diffroll_live.worker.messages import Died, Ready, StartFailed
from diffroll_live.worker.queue import Worker


@dataclass(frozen=True, slots=True)
class HopTotals:
    """Hops of all live inputs so far, those that are closed included."""

    transcribed: int = 0
    missed: int = 0

    def plus(self, session: LiveSession) -> HopTotals:
        """Add those of a session."""
        return HopTotals(self.transcribed + session.counts.hops, self.missed + session.counts.missed)


class LiveHandlers:
    """Knows every live session, and handles ``/diffroll/live`` messages."""

    def __init__(self, worker: Worker, events: EventRouter, midi: MidiOut | None) -> None:
        self._worker, self._events, self._midi = worker, events, midi
        self._sessions: dict[int, LiveSession] = {}
        self._past = HopTotals()  # of sessions that are closed
        events.follow_process(self._on_process)
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {m.LiveSet: self._set}

    def open(self, client: Client, buffer: str, rate: int, *, latency_ms: float = 0.0) -> LiveSession:
        """Begin to transcribe an input of ``rate`` Hz; a latency of 0 chooses the default. Raises RequestError."""
        settings = set_option(LiveSettings(), "latency", latency_ms) if latency_ms else LiveSettings()
        number = self._events.next_number()
        session = self._sessions[number] = LiveSession(
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
        self._events.follow(number, session.on_event)
        return session

    def totals(self) -> HopTotals:
        """Count the hops of all inputs so far."""
        totals = self._past
        for session in self._sessions.values():
            totals = totals.plus(session)
        return totals

    def close(self) -> None:
        """End all sessions."""
        for session in tuple(self._sessions.values()):
            session.close()

    def find(self, client: Client, buffer: str) -> LiveSession:
        """Give the session of a client's buffer. Raises errors.UnknownBuffer."""
        for session in self._sessions.values():
            if session.client is client and session.buffer == buffer:
                return session
        raise UnknownBuffer(f"There is no live input {buffer!r}; listen to a device, or open a live buffer.")

    def _on_process(self, event: Ready | StartFailed | Died) -> None:
        for session in self._sessions.values():
            if isinstance(event, Died):
                session.interrupt()
            elif isinstance(event, Ready):
                session.resume()

    def _forget(self, number: int) -> None:
        session = self._sessions.pop(number, None)
        if session is not None:
            self._past = self._past.plus(session)
        self._events.drop(number)

    def _set(self, client: Client, message: m.LiveSet) -> None:
        session = self.find(client, message.buffer)
        session.settings = set_option(session.settings, message.key, message.value)
