"""Bends as one more key of each channel: whatever ends every note that was started straightens its channel too.

A value takes the place of the one before it on its channel, without that being ended first.
"""

from __future__ import annotations

from diffroll_live.music.mpe import Expression
from diffroll_live.types import NoteEvent

BEND = 129  # its number among the keys of a channel: one more than that of the pedal
RINGING = 2.0  # s after a note in which its channel stays bent, since the note may ring


def as_keys(expression: Expression) -> tuple[NoteEvent, ...]:
    """Notes with their bends, as the queue of notes and the sinks take them; a bend comes before its note.

    The velocity of a bend is its value.
    """
    keys: list[NoteEvent] = []
    for note, values in zip(expression.notes, expression.values, strict=True):
        end = note.offset + RINGING
        keys += (NoteEvent(each.at, end, BEND, each.value, each.channel) for each in values)
        keys.append(note)
    return tuple(keys)
