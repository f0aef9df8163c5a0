"""The sustain pedal: Live lets no script write controllers into a clip, so notes last until it is lifted."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, TypeVar

SLACK = 1e-3  # s by which a note ends before its key is struck again, since times are rounded

N = TypeVar("N", bound=Any)  # a talk.Note


def sustained(notes: Sequence[N], pedal: Mapping[float, float]) -> List[N]:
    """Let notes that end while the pedal is down last until it goes up, or until their key is struck again.

    ``pedal`` says until when it is down, by the second at which it goes down.
    """
    following: Dict[int, float] = {}  # when each key is struck next
    longer = []
    for note in sorted(notes, key=lambda note: note.time, reverse=True):
        end = note.time + note.duration
        last = max([up for down, up in pedal.items() if down <= end < up], default=end)
        last = max(end, min(last, following.get(note.pitch, last) - SLACK)) if last > end else end
        longer.append(note._replace(duration=last - note.time))
        following[note.pitch] = note.time
    return longer[::-1]
