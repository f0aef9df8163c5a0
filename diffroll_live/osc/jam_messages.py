"""What a client may send to trade phrases with the model; rows of messages.CLIENT_MESSAGES."""

from __future__ import annotations

from dataclasses import dataclass

from diffroll_live.osc.arguments import Name, Setting


@dataclass(frozen=True, slots=True)
class JamStart:
    """Begin a jam with the notes of ``source``: osc, midi or audio; ``name`` is the MIDI port or the live buffer."""

    jam: Name
    source: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class JamSet:
    """Set an option of a jam."""

    jam: Name
    key: str
    value: Setting


@dataclass(frozen=True, slots=True)
class JamNote:
    """Send a note to a jam whose source is osc; a velocity of 0 ends it."""

    jam: Name
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class JamCue:
    """Give the turn to the model."""

    jam: Name


@dataclass(frozen=True, slots=True)
class JamListen:
    """Take the turn back."""

    jam: Name


@dataclass(frozen=True, slots=True)
class JamStop:
    """End a jam and its notes."""

    jam: Name
