"""Receive from a MIDI input port, a virtual or an existing one: every message with its time of arrival.

A thread polls rtmidi; rtmidi's callback would run Python in JACK's real-time thread. The times are rtmidi's own, so
that they do not depend on when it is polled.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mido
import rtmidi

from diffroll_live.audio.jack.client import JACK_CLIENT_LOCK, JackWatch
from diffroll_live.errors import PortClosed, PortError
from diffroll_live.midi.ports import APIS, LOOKING, Api, PortChoice, choose_api, find_port

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.002
QUEUE_MESSAGES = 4096  # that may arrive between two polls
_TRUST_SECONDS = 0.25  # a message that is further from its time was delayed by more than its port
_FOREIGN = (rtmidi.RtMidiError, OSError, RuntimeError)

OnMessage = Callable[[Any, float], None]  # a mido.Message, and seconds of the clock


class MidiInput:
    """An open input port. ``on_message`` is called on its thread; ``name`` is what other programs call the port.

    Raises PortError, saying what to do: no MIDI system, no port of that name, no virtual ports.
    """

    def __init__(
        self, choice: PortChoice, on_message: OnMessage, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._api = choose_api(choice.api)
        self._existing = choice.port is not None
        self._on_message = on_message
        self._clock = clock
        self._times = _Times()
        self._failure = ""  # why nothing is received any more
        self._watch = JackWatch() if self._api == "jack" else None
        try:
            with JACK_CLIENT_LOCK:
                self._port, self.name = _open(self._api, choice)
        except BaseException:
            self._stop_watching()
            raise
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="midi-in", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise PortClosed when the port is gone."""
        if self._failure:
            raise PortClosed(f"The MIDI port {self.name} failed ({self._failure}); MIDI input resumes when it is back.")
        if self._watch is not None and self._watch.gone:
            raise PortClosed("The JACK server ended; MIDI input resumes when one is running again.")
        if self._existing and not self._is_listed():
            raise PortClosed(f"The MIDI port {self.name} is gone; MIDI input resumes when it is back.")

    def close(self) -> None:
        """Stop receiving. Safe to call again; not from ``on_message``."""
        if not self._closing.is_set():
            self._closing.set()
            self._thread.join()
            with JACK_CLIENT_LOCK:
                try:
                    self._port.close_port()
                except _FOREIGN as error:
                    logger.debug("the MIDI input could not be closed cleanly: %s", error)
                self._port.delete()
            self._stop_watching()

    def _run(self) -> None:
        while not self._closing.wait(POLL_SECONDS):
            try:
                while (received := self._port.get_message()) is not None:
                    self._receive(*received)
            except _FOREIGN as error:
                self._failure = str(error)
                return

    def _receive(self, data: list[int], since_last: float) -> None:
        at = self._times.at(since_last, self._clock())
        try:
            self._on_message(mido.Message.from_bytes(data), at)
        except ValueError as error:
            logger.debug("no MIDI message: %s (%s)", data, error)
        except Exception:
            logger.exception("a MIDI message could not be used: %s", data)

    def _is_listed(self) -> bool:
        try:
            return self.name in self._port.get_ports()
        except _FOREIGN as error:
            logger.debug("the MIDI ports cannot be listed: %s", error)
            return False

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.close()


@dataclass(slots=True)
class _Times:
    """Turns the intervals between messages into times on our clock."""

    last: float | None = None

    def at(self, since_last: float, now: float) -> float:
        """Give the arrival time of a message that came ``since_last`` seconds after the last and is read ``now``."""
        came = now if self.last is None else self.last + since_last
        self.last = came if now - _TRUST_SECONDS <= came <= now else now
        return self.last


def list_inputs(api: str = "auto") -> tuple[str, ...]:
    """List the names of the existing input ports. Raises PortError where there is no MIDI."""
    with JACK_CLIENT_LOCK:
        port = _construct(choose_api(api), LOOKING)
        try:
            return tuple(port.get_ports())
        finally:
            port.delete()


def _open(api: Api, choice: PortChoice) -> tuple[Any, str]:
    port = _construct(api, choice.client)
    try:
        port.ignore_types(sysex=False, timing=False, active_sense=False)  # as times are intervals between messages
        if choice.port is None:
            port.open_virtual_port(choice.name)
            return port, f"{choice.client}:{choice.name}"
        name = find_port(tuple(port.get_ports()), choice.port)
        port.open_port(port.get_ports().index(name), choice.name)
    except (*_FOREIGN, ValueError, NotImplementedError, PortError) as error:
        port.delete()
        if isinstance(error, PortError):
            raise
        raise PortError(
            f"The MIDI input could not be opened ({error}). Name an existing port, or try again."
        ) from error
    return port, name


def _construct(api: Api, client: str) -> Any:
    try:
        return rtmidi.MidiIn(APIS[api], name=client, queue_size_limit=QUEUE_MESSAGES)
    except _FOREIGN as error:
        raise PortError(f"The MIDI system {api} cannot be used ({error}).") from error
