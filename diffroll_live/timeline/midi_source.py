"""A MIDI input port and a decoder of what comes in on it, as reports."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from diffroll_live.errors import ProtocolError
from diffroll_live.midi.input import MidiInput
from diffroll_live.midi.ports import PortChoice
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.sources import Hear

logger = logging.getLogger(__name__)


class Decoder(Protocol):
    """What makes reports of messages."""

    def hear(self, message: Any, at: float) -> Report | None:
        """Take a mido.Message; give what it says of the DAW, or None."""


class MidiSource:
    """Follows what a decoder understands of an input port. Raises PortError where it cannot be opened."""

    interval = 0.1

    def __init__(self, decoder: Decoder, choice: PortChoice, hear: Hear, clock: Callable[[], float]) -> None:
        self._decoder = decoder
        self._hear = hear
        self._input = MidiInput(choice, self._take, clock)
        self.name = f"the MIDI port {self._input.name}"

    def look(self) -> None:
        """Raise PortClosed when the port is gone."""
        self._input.check()

    def close(self) -> None:
        """Close the port."""
        self._input.close()

    def _take(self, message: Any, at: float) -> None:
        report = self._decoder.hear(message, at)
        if report is not None:
            try:
                self._hear(report)
            except ProtocolError as error:
                logger.debug("passed over: %s", error.text)
