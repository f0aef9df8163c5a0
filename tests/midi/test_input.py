"""The thread that polls a MIDI input, where the port fails in ways that a real one fails only now and then."""

from __future__ import annotations

import re
from typing import Any

import pytest
import rtmidi
from support.waiting import wait_until

from diffroll_live.errors import PortClosed
from diffroll_live.midi import input as midi_input
from diffroll_live.midi.ports import PortChoice


class FailingPort:
    """Gives two messages, and fails."""

    def __init__(self) -> None:
        self.messages = iter((([0x90, 60, 100], 0.0), ([0x80, 60, 0], 0.1)))
        self.deleted = False

    def get_message(self) -> tuple[list[int], float]:
        try:
            return next(self.messages)
        except StopIteration:
            raise rtmidi.SystemError("The device was unplugged.") from None

    def close_port(self) -> None:
        raise rtmidi.SystemError("There is nothing to close.")

    def delete(self) -> None:
        self.deleted = True


def test_an_input_that_fails_is_reported_as_lost_and_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    port, heard = FailingPort(), list[Any]()
    monkeypatch.setattr(midi_input, "choose_api", lambda _: "alsa")
    monkeypatch.setattr(midi_input, "_open", lambda *_: (port, "keys"))
    keys = midi_input.MidiInput(PortChoice("auto"), lambda message, _: heard.append(message.type))

    wait_until(lambda: not keys._thread.is_alive(), "the failure")
    with pytest.raises(PortClosed, match=re.escape("keys failed (The device was unplugged.)")):
        keys.check()
    assert heard == ["note_on", "note_off"]
    keys.close()
    assert port.deleted
