"""The sustain pedal as one more key: whatever ends every note that was started lifts the pedal too."""

from __future__ import annotations

from diffroll_live.types import NoteEvent, PedalSpan

PEDAL = 128  # its number among the keys of a channel: one more than that of the highest note
PRESSED = 127  # of the controller


def as_key(span: PedalSpan) -> NoteEvent:
    """The span as the queue of notes and the sinks take it."""
    return NoteEvent(span.down, span.up, PEDAL, PRESSED, span.channel)
