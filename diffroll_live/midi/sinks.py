"""Where notes go: a sink starts and ends notes at once, tracks what sounds, and falls silent when it is closed.

The scheduler does the timing. One thread owns a sink.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from diffroll_live.errors import PortClosed
from diffroll_live.midi.bend import BEND
from diffroll_live.midi.pedal import PEDAL
from diffroll_live.midi.ports import MidiPort, PortChoice, open_port
from diffroll_live.music.mpe import BEND_RANGE, CENTRE, MANAGER, MEMBERS, RANGE, ZONE, parameter

logger = logging.getLogger(__name__)

Message = tuple[int, int, int]  # status, data, data
NOTE_OFF = 0x80
NOTE_ON = 0x90
CONTROL_CHANGE = 0xB0
PITCH_BEND = 0xE0
SUSTAIN = 64
ALL_SOUND_OFF = 120
ALL_NOTES_OFF = 123
N_CHANNELS = 16


class Sink(Protocol):
    """What the scheduler needs of an output. Any method may raise PortClosed when the port is gone."""

    name: str  # for people
    lead: float  # s before its time at which a message must be sent to be heard on time, on average

    def note_on(self, channel: int, pitch: int, velocity: int) -> None:
        """Start a note: channel 0..15, pitch 0..127 or PEDAL, velocity 1..127; or bend a channel, with pitch BEND."""

    def note_off(self, channel: int, pitch: int) -> None:
        """End a note."""

    def all_notes_off(self) -> None:
        """End every note that was started, and anything else that may sound on any channel."""

    def check(self) -> None:
        """Raise PortClosed when the port is gone."""

    def close(self) -> None:
        """Fall silent and release the port. Safe to call again, and on a port that is gone."""


class ChannelSink(ABC):
    """Turns notes into channel messages and tracks what sounds; a subclass sends the messages."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lead = 0.0
        self._sounding: set[tuple[int, int]] = set()  # (channel, pitch)
        self._told: set[int] = set()  # channels whose range of bends the receiver knows, once it knows of the zone

    def note_on(self, channel: int, pitch: int, velocity: int) -> None:
        """Start a note, or bend a channel; the receiver is first told that there is a zone, and its range of bends."""
        if pitch == BEND:
            self._tell_range(channel)
        self._sounding.add((channel, pitch))  # first: a note whose message failed halfway must be ended too
        self._send(_message(NOTE_ON, channel, pitch, velocity))

    def note_off(self, channel: int, pitch: int) -> None:
        """End a note."""
        self._send(_message(NOTE_OFF, channel, pitch, 0))
        self._sounding.discard((channel, pitch))

    def all_notes_off(self) -> None:
        """End every note by its own note-off, then by controllers, which some receivers ignore."""
        for channel, pitch in sorted(self._sounding):
            self.note_off(channel, pitch)
        for channel in range(N_CHANNELS):
            self._send((CONTROL_CHANGE | channel, SUSTAIN, 0))  # first, or released notes would sound on
            self._send((CONTROL_CHANGE | channel, ALL_NOTES_OFF, 0))
            self._send((CONTROL_CHANGE | channel, ALL_SOUND_OFF, 0))

    def _tell_range(self, channel: int) -> None:
        if not self._told:
            self._send_parameter(MANAGER, parameter(ZONE, len(MEMBERS)))
        if channel not in self._told:
            self._told.add(channel)
            self._send_parameter(channel, parameter(BEND_RANGE, RANGE, 0))

    def _send_parameter(self, channel: int, pairs: list[tuple[int, int]]) -> None:
        for control, value in pairs:
            self._send((CONTROL_CHANGE | channel, control, value))

    @abstractmethod
    def _send(self, message: Message) -> None:
        """Send three bytes. Raises PortClosed when the port is gone."""


def _message(kind: int, channel: int, pitch: int, velocity: int) -> Message:
    """A message of a note, or of the pedal or a bend, which are keys of their own."""
    if pitch == PEDAL:
        return CONTROL_CHANGE | channel, SUSTAIN, velocity
    if pitch == BEND:
        value = velocity or CENTRE
        return PITCH_BEND | channel, value & 0x7F, value >> 7
    return kind | channel, pitch, velocity


class MidiSink(ChannelSink):
    """A MIDI port that other programs read. Raises PortError where it cannot be opened."""

    def __init__(self, choice: PortChoice) -> None:
        self._port: MidiPort | None = open_port(choice)
        super().__init__(f"{self._port.api} port {self._port.name}")
        self.lead = self._port.lead

    def check(self) -> None:
        """Raise PortClosed when the port is gone."""
        self._open().check()

    def close(self) -> None:
        """Fall silent, wait until that has been sent, and close the port."""
        if self._port is None:
            return
        try:
            self.all_notes_off()
        except PortClosed as error:
            logger.debug("closing a port that is gone: %s", error)
        finally:
            self._port.close()
            self._port = None

    def _send(self, message: Message) -> None:
        self._open().send(message)

    def _open(self) -> MidiPort:
        if self._port is None:
            raise PortClosed(f"The {self.name} was closed.")
        return self._port


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that a recording sink received, at ``instant`` seconds of its clock."""

    instant: float
    message: Message


class RecordingSink(ChannelSink):
    """Keeps every message instead of sending it: for machines without MIDI, and for tests."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__("recording")
        self._clock = clock
        self._sent: list[Sent] = []
        self._closed = False

    @property
    def sent(self) -> tuple[Sent, ...]:
        """Everything so far, in order."""
        return tuple(self._sent)

    def check(self) -> None:
        """Raise PortClosed after close()."""
        if self._closed:
            raise PortClosed("The recording was closed.")

    def close(self) -> None:
        """Fall silent."""
        if not self._closed:
            self.all_notes_off()
            self._closed = True

    def _send(self, message: Message) -> None:
        self.check()
        self._sent.append(Sent(self._clock(), message))
