"""The control surface as Live sees it: ticks, MIDI buttons, the end. All work is done elsewhere."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Sequence, Tuple

import Live
from ableton.v2.control_surface import ControlSurface

from .bridge import Bridge
from .failures import Failure
from .settings import DEFAULTS, load

NOTE_ON, CONTROL_CHANGE = 0x90, 0xB0
KINDS = {"note": NOTE_ON, "cc": CONTROL_CHANGE}
PRESSED = {NOTE_ON: 1, CONTROL_CHANGE: 64}  # the least velocity or value that is a press


class DiffRollLive(ControlSurface):  # type: ignore[misc]
    """A control surface without controls: its base class answers what Live asks of every script."""

    def __init__(self, c_instance: Any) -> None:
        super().__init__(c_instance)
        self._diffroll_host = c_instance
        settings = DEFAULTS
        try:
            settings = load()
        except Failure as failure:
            c_instance.log_message(f"DiffRollLive: {failure.text}")
            c_instance.show_message(f"DiffRoll: {failure.text}")
        self._diffroll_buttons: Dict[Tuple[int, int], str] = {
            (KINDS[kind] + channel - 1, number): verb for verb, (kind, channel, number) in settings.buttons.items()
        }
        self._diffroll = Bridge(c_instance, settings)

    def update_display(self) -> None:
        """Tick: Live calls this every 100 ms."""
        super().update_display()
        self._diffroll.tick()

    def build_midi_map(self, midi_map_handle: Any) -> None:
        """Ask Live to hand us the buttons' messages of the surface's input, and to nobody else."""
        super().build_midi_map(midi_map_handle)
        for status, number in self._diffroll_buttons:
            midi_map = Live.MidiMap
            forward = midi_map.forward_midi_cc if status & 0xF0 == CONTROL_CHANGE else midi_map.forward_midi_note
            forward(self._diffroll_host.handle(), midi_map_handle, status & 0x0F, number)

    def receive_midi(self, midi_bytes: Sequence[int]) -> None:
        """Take one message of a button; releases are passed over."""
        message = tuple(midi_bytes)
        verb = self._diffroll_buttons.get(message[:2]) if len(message) == 3 else None
        if verb is not None and message[2] >= PRESSED[message[0] & 0xF0]:
            self._diffroll.push(verb)

    def receive_midi_chunk(self, midi_chunk: Iterable[Sequence[int]]) -> None:
        """Take several messages, as newer releases of Live hand them over."""
        for midi_bytes in midi_chunk:
            self.receive_midi(midi_bytes)

    def disconnect(self) -> None:
        """End with Live, or when another script is chosen."""
        self._diffroll.close()
        super().disconnect()
