"""What a client may ask about the daemon and the machine. Rows of messages.CLIENT_MESSAGES."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Ask what all clients have asked for lately."""


@dataclass(frozen=True, slots=True)
class MidiPortsQuery:
    """Ask which MIDI ports there are."""


@dataclass(frozen=True, slots=True)
class DoctorQuery:
    """Ask for what ``diffroll-live doctor`` finds."""
