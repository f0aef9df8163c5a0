"""A MIDI client that records a port through rtmidi, as a DAW's track does, and pairs note-ons with note-offs."""

from __future__ import annotations

import time
from typing import Any

import rtmidi

ReceivedNote = tuple[float, float, int, int]  # onset and offset on time.perf_counter's axis, pitch, velocity


class Listener:
    """Collects the notes that arrive on the port whose name contains ``wanted``."""

    def __init__(self, api: int, wanted: str, timeout: float = 10.0) -> None:
        self.notes: list[ReceivedNote] = []
        self._sounding: dict[int, list[tuple[float, int]]] = {}
        self._input = rtmidi.MidiIn(api, name="diffroll-demo")
        self._input.open_port(self._find(wanted, timeout), "in")
        self._input.set_callback(self._receive)

    @property
    def hanging(self) -> int:
        """The number of notes that have started and not ended."""
        return sum(map(len, self._sounding.values()))

    def take(self) -> list[ReceivedNote]:
        """Return the notes received so far, by onset, and clear the list."""
        heard, self.notes = sorted(self.notes), []
        return heard

    def close(self) -> None:
        """Close the port."""
        self._input.close_port()
        self._input.delete()

    def _find(self, wanted: str, timeout: float) -> int:
        """Wait for the port; the daemon may still be opening it."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for index, name in enumerate(self._input.get_ports()):
                if wanted in name:
                    return index
            time.sleep(0.1)
        raise RuntimeError(f"no MIDI port {wanted!r} appeared; the ports are {self._input.get_ports()}")

    def _receive(self, event: tuple[list[int], float], _data: Any) -> None:
        now, (message, _) = time.perf_counter(), event
        kind, pitch, velocity = message[0] & 0xF0, message[1], message[2]
        if kind == 0x90 and velocity > 0:
            self._sounding.setdefault(pitch, []).append((now, velocity))
        elif kind in {0x80, 0x90} and self._sounding.get(pitch):
            onset, struck = self._sounding[pitch].pop(0)
            self.notes.append((onset, now, pitch, struck))
