"""How far notes were played from their places on a timeline, pass by pass. No JACK, no daemon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from diffroll_live.bench.jack_daw import Pass, RecordedMessage
from diffroll_live.types import NoteEvent

EDGE = 0.02  # s before the end of a pass, in which a note may fall on either side
REACH = 0.06  # s within which a note belongs to its place; the daemon drops later ones
_NOTE_ON, _NOTE_OFF = 0x90, 0x80


@dataclass(frozen=True, slots=True)
class TimelineScore:
    """The result of notes on a timeline: distances in seconds for each note and pass, positive if late."""

    distances: tuple[float, ...]
    missing: int
    twice: int  # played again, or where there is no note
    hanging: int  # never ended


def score_passes(notes: Sequence[NoteEvent], passes: Sequence[Pass]) -> TimelineScore:
    """Match the messages of each pass with the notes there; ``notes`` are at their DAW positions."""
    distances: list[float] = []
    missing = twice = 0
    for before, one in pairwise((Pass(0.0, False, 0.0), *passes)):
        starts = [message for message in one.messages if _starts(message)]
        inside = [note for note in notes if one.rolling and one.start <= note.onset < one.end]
        for note in sorted(inside):
            found = _nearest(note, starts)
            if found is not None:
                starts.remove(found)
                distances.append(found.position - note.onset)
            elif note.onset < one.end - EDGE:
                missing += 1
        twice += sum(not _is_left_over(message, one, before, notes) for message in starts)
    return TimelineScore(
        tuple(distances), missing, twice, _hanging([message for one in passes for message in one.messages])
    )


def _nearest(note: NoteEvent, starts: Sequence[RecordedMessage]) -> RecordedMessage | None:
    near = [m for m in starts if m.pitch == note.pitch and abs(m.position - note.onset) <= REACH]
    return min(near, key=lambda message: abs(message.position - note.onset), default=None)


def _is_left_over(message: RecordedMessage, one: Pass, before: Pass, notes: Sequence[NoteEvent]) -> bool:
    """Whether a note belongs to the end of the previous pass: it was under way when the transport jumped."""
    edge = before.end - EDGE
    at_edge = any(note.pitch == message.pitch and edge <= note.onset <= before.end + EDGE for note in notes)
    return at_edge and message.position - one.start <= EDGE


def _starts(message: RecordedMessage) -> bool:
    return message.status & 0xF0 == _NOTE_ON and message.velocity > 0


def _hanging(messages: Sequence[RecordedMessage]) -> int:
    sounding: set[tuple[int, int]] = set()
    for message in messages:
        key = (message.status & 0x0F, message.pitch)
        if _starts(message):
            sounding.add(key)
        elif message.status & 0xF0 in (_NOTE_ON, _NOTE_OFF):
            sounding.discard(key)
    return len(sounding)
