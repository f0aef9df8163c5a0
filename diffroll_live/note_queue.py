"""Which note starts or ends next: a heap of timed messages, without a thread, a lock or a clock of its own.

The rules of the MIDI output live here, so that they can be tested exactly with any clock:
a note that was started is ended once; two notes never overlap on one channel and pitch (a re-strike ends the earlier
one first); at one instant notes end before others start; a note that is late by more than LATE_SECONDS is dropped and
counted, never sent in a burst. Not safe to share between threads: scheduler holds the lock.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diffroll_live.errors import Busy, RequestError
from diffroll_live.types import NoteEvent

LATE_SECONDS = 0.05
MAX_PENDING = 200_000  # messages; a ten-minute piece has about ten thousand
MAX_COUNTED_OWNERS = 1024

Key = tuple[int, int]  # channel, pitch

_OFF, _ON = 0, 1  # at one instant, notes end before others start


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A note's start or, with velocity 0, its end; ``due`` in seconds of the scheduler's clock."""

    due: float
    owner: str
    channel: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True, eq=False)
class _Note:
    """A note on the scheduler's clock. ``order`` is unique: it makes the order of the heap total."""

    owner: str
    order: int
    key: Key
    velocity: int
    offset: float


_Entry = tuple[float, int, int, _Note]  # due, _OFF or _ON, order


class NoteQueue:
    """The notes to come and those that sound."""

    def __init__(self) -> None:
        self._heap: list[_Entry] = []
        self._sounding: dict[Key, _Note] = {}
        self._dropped: dict[str, int] = {}
        self._order = 0

    @property
    def sounding(self) -> frozenset[Key]:
        """(channel, pitch) of each note that was started and not yet ended."""
        return frozenset(self._sounding)

    @property
    def next_due(self) -> float | None:
        """When the next message is due; None when nothing is to come."""
        return self._heap[0][0] if self._heap else None

    def dropped(self, owner: str) -> int:
        """Count the notes of an owner that were not played because they were late or had no port."""
        return self._dropped.get(owner, 0)

    def count_dropped(self, owner: str) -> None:
        """Count a note of an owner that was not played."""
        self._dropped[owner] = self._dropped.pop(owner, 0) + 1
        if len(self._dropped) > MAX_COUNTED_OWNERS:
            del self._dropped[next(iter(self._dropped))]

    def add(self, owner: str, notes: Sequence[NoteEvent], start: float) -> None:
        """Add notes whose second 0 is ``start``.

        Raises RequestError for a note that MIDI cannot say, Busy when too many wait; then none is added.
        """
        if len(self._heap) + len(notes) > MAX_PENDING:
            raise Busy("Too many notes wait to be played. Cancel a job, or send /diffroll/panic.")
        if not math.isfinite(start):
            raise RequestError(f"Notes cannot start at {start} seconds: give a finite time.")
        for note in notes:
            _validate(note)
        for order, note in enumerate(notes, self._order):
            key = (note.channel, note.pitch)
            timed = _Note(owner, order, key, note.velocity, start + note.offset)
            self._heap.append((start + note.onset, _ON, order, timed))
        self._order += len(notes)
        heapq.heapify(self._heap)

    def cancel(self, owner: str, now: float) -> None:
        """Forget what is to come of an owner; what sounds of it is due to end ``now``."""
        kept = [entry for entry in self._heap if entry[3].owner != owner]
        ending = [(now, _OFF, note.order, note) for note in self._sounding.values() if note.owner == owner]
        self._heap = kept + ending
        heapq.heapify(self._heap)

    def forget(self) -> None:
        """Forget everything to come. What sounds is left to ``lose``."""
        self._heap.clear()

    def pop(self, clock: Callable[[], float]) -> TimedMessage | None:
        """Take the next message that is due, or None. Notes that are too late are dropped and counted."""
        while self._heap and self._heap[0][0] <= (now := clock()):
            due, kind, order, note = self._heap[0]
            current = self._sounding.get(note.key)
            if kind == _ON and now - due > LATE_SECONDS:
                self.count_dropped(heapq.heappop(self._heap)[3].owner)
            elif kind == _ON and current is not None:
                return self._end(current, due)  # the note itself is next
            elif kind == _ON:
                self._sounding[note.key] = note
                heapq.heapreplace(self._heap, (note.offset, _OFF, order, note))
                return TimedMessage(due, note.owner, *note.key, note.velocity)
            else:
                heapq.heappop(self._heap)
                if current is note:  # else a re-strike has ended it already
                    return self._end(note, due)
        return None

    def drop_due(self, now: float) -> None:
        """Drop and count the notes that are due: there is no port to send them to."""
        while self._heap and self._heap[0][0] <= now:
            _, kind, _, note = heapq.heappop(self._heap)
            if kind == _ON:
                self.count_dropped(note.owner)

    def lose(self) -> frozenset[Key]:
        """Stop counting on what sounds and return it: whoever asks ends it by other means."""
        lost = self.sounding
        self._sounding.clear()  # their ends, if still in the heap, are skipped when they come up
        return lost

    def _end(self, note: _Note, due: float) -> TimedMessage:
        del self._sounding[note.key]
        return TimedMessage(due, note.owner, *note.key, 0)


def _validate(note: NoteEvent) -> None:
    fits = 0 <= note.channel <= 15 and 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127
    if not (fits and math.isfinite(note.onset) and math.isfinite(note.offset) and note.onset < note.offset):
        raise RequestError(
            f"{note} cannot be played: a note ends after its onset, on channel 0..15, pitch 0..127, velocity 1..127."
        )
