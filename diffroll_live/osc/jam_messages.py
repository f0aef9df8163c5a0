"""What a client may send to play with the model in turns; rows of messages.CLIENT_MESSAGES."""

from __future__ import annotations

from dataclasses import dataclass

from diffroll_live.osc.arguments import Name, Setting


@dataclass(frozen=True, slots=True)
class JamStart:
    """Begin a jam that hears ``source``: osc, midi or audio; ``name`` is the MIDI port or the live buffer."""

    jam: Name
    source: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class JamSet:
    """Choose how a jam goes."""

    jam: Name
    key: str
    value: Setting


@dataclass(frozen=True, slots=True)
class JamNote:
    """Play a note to a jam whose source is osc; a velocity of 0 ends it."""

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
