"""A MIDI input port and a decoder that turns its messages into reports."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from diffroll_live.errors import ProtocolError
from diffroll_live.midi.input import MidiInput
from diffroll_live.midi.ports import PortChoice
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.sources import ReportSink

logger = logging.getLogger(__name__)


class Decoder(Protocol):
    """Turns messages into reports."""

    def decode(self, message: Any, at: float) -> Report | None:
        """Decode a mido.Message that arrived at ``at`` into a report, or None."""


class MidiSource:
    """Reports what a decoder makes of an input port. Raises PortError if it cannot be opened."""

    interval = 0.1

    def __init__(self, decoder: Decoder, choice: PortChoice, report: ReportSink, clock: Callable[[], float]) -> None:
        self._decoder = decoder
        self._report = report
        self._input = MidiInput(choice, self._receive, clock)
        self.name = f"the MIDI port {self._input.name}"

    def poll(self) -> None:
        """Raise PortClosed when the port is gone."""
        self._input.check()

    def close(self) -> None:
        """Close the port."""
        self._input.close()

    def _receive(self, message: Any, at: float) -> None:
        report = self._decoder.decode(message, at)
        if report is not None:
            try:
                self._report(report)
            except ProtocolError as error:
                logger.debug("passed over: %s", error.text)
