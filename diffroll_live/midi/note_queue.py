"""Which note starts or ends next: a heap of timed messages, without a thread, a lock or a clock of its own.

Notes come with a time, or with a position on the DAW's timeline; the latter wait in playhead_queue and move to the heap
when they are due.

The rules of the MIDI output live here, so that they can be tested exactly with any clock:
a note that was started is ended once; two notes never overlap on one channel and pitch (a re-strike ends the earlier
one first, while a bend takes the place of the one before it); at one instant notes end before others start; a note that
is late by more than LATE_SECONDS is dropped and counted, never sent in a burst. Not thread-safe: the scheduler holds
the lock.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from diffroll_live.errors import Busy, RequestError
from diffroll_live.midi.bend import BEND
from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.midi.playhead_queue import Placed, PlayheadQueue, Taken
from diffroll_live.music.mpe import HIGHEST
from diffroll_live.types import NoteEvent

LATE_SECONDS = 0.05
MAX_PENDING = 200_000  # messages; a ten-minute piece has about ten thousand
MAX_COUNTED_OWNERS = 1024
LONGEST_HELD = 60.0  # s; a held note that nobody releases ends then

Key = tuple[int, int]  # channel, pitch

_OFF, _ON = 0, 1  # at one instant, notes end before others start


@dataclass(frozen=True, slots=True)
class NoteTotals:
    """Notes of all owners so far: sent, sent audibly late, and dropped because they were later still."""

    sent: int = 0
    late: int = 0
    dropped: int = 0


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
    """A note on the scheduler's clock. ``order`` is unique: it makes the order of the heap total.

    ``offset`` is None for a placed note, whose end the playhead queue determines.
    """

    owner: str
    order: int
    key: Key
    velocity: int
    offset: float | None


_Entry = tuple[float, int, int, _Note]  # due, _OFF or _ON, order


class NoteQueue:
    """The notes to come and those that sound."""

    def __init__(self) -> None:
        self._heap: list[_Entry] = []
        self._placed = PlayheadQueue()
        self._sounding: dict[Key, _Note] = {}
        self._held: dict[tuple[str, Key], _Note] = {}  # that nobody has released yet
        self._dropped: dict[str, int] = {}
        self.total_dropped = 0  # of all owners
        self._order = 0

    @property
    def sounding(self) -> frozenset[Key]:
        """(channel, pitch) of each note that was started and not yet ended."""
        return frozenset(self._sounding)

    @property
    def next_due(self) -> float | None:
        """When the next message is due; None when nothing is to come."""
        placed = self._placed.next_due
        if not self._heap:
            return placed
        return self._heap[0][0] if placed is None else min(placed, self._heap[0][0])

    def dropped(self, owner: str) -> int:
        """Count the notes of an owner that were not played because they were late or had no port."""
        return self._dropped.get(owner, 0)

    def _drop(self, note: _Note) -> None:
        if note.key[1] != BEND:  # of a note that is dropped as well, or soon followed by another
            self.count_dropped(note.owner)

    def count_dropped(self, owner: str) -> None:
        """Count a note of an owner that was not played."""
        self._dropped[owner] = self._dropped.pop(owner, 0) + 1
        self.total_dropped += 1
        if len(self._dropped) > MAX_COUNTED_OWNERS:
            del self._dropped[next(iter(self._dropped))]

    def add(self, owner: str, notes: Sequence[NoteEvent], start: float) -> None:
        """Add notes whose second 0 is ``start``.

        Raises RequestError for a note that MIDI cannot express, Busy when too many wait; then none is added.
        """
        self._check(notes, start)
        for order, note in enumerate(notes, self._order):
            key = (note.channel, note.pitch)
            timed = self._newest = _Note(owner, order, key, note.velocity, start + note.offset)
            self._heap.append((start + note.onset, _ON, order, timed))
        self._order += len(notes)
        heapq.heapify(self._heap)

    def place(self, owner: str, notes: Sequence[NoteEvent], origin: float, now: float) -> None:
        """Add notes whose second 0 is at ``origin`` on the DAW's timeline; each pass of the playhead plays them.

        Raises as add() does; then none is added.
        """
        self._check(notes, origin)
        moved = (replace(note, onset=origin + note.onset, offset=origin + note.offset) for note in notes)
        placed = [Placed(owner, order, note) for order, note in enumerate(moved, self._order)]
        self._order += len(placed)
        for taken in self._placed.add(placed, now):
            self._push(taken)

    def follow(self, playhead: PlayheadModel, now: float) -> None:
        """Switch to a new model of the playhead; what a jump or a stop ends is due to end ``now``."""
        if playhead.run != self._placed.playhead.run:
            self._heap = [entry for entry in self._heap if entry[1] == _OFF or entry[3].offset is not None]
            heapq.heapify(self._heap)
        for taken in self._placed.follow(playhead, now):
            self._push(taken)

    def hold(self, owner: str, channel: int, pitch: int, velocity: int, due: float) -> None:
        """Add a note that ``release`` will end; it sounds for LONGEST_HELD at most. Raises as ``add``."""
        self.add(owner, (NoteEvent(0.0, LONGEST_HELD, pitch, velocity, channel),), due)
        self._held[owner, (channel, pitch)] = self._newest

    def release(self, owner: str, channel: int, pitch: int, due: float) -> None:
        """End the last note that an owner holds on a channel and pitch, if nothing else has ended it."""
        note = self._held.pop((owner, (channel, pitch)), None)
        if note is not None:
            heapq.heappush(self._heap, (due, _OFF, note.order, note))

    def cancel(self, owner: str, now: float) -> None:
        """Forget the notes to come of an owner; those that sound are due to end ``now``."""
        self._held = {key: note for key, note in self._held.items() if key[0] != owner}
        self._placed.remove(owner)
        kept = [entry for entry in self._heap if entry[3].owner != owner]
        ending = [(now, _OFF, note.order, note) for note in self._sounding.values() if note.owner == owner]
        self._heap = kept + ending
        heapq.heapify(self._heap)

    def forget(self) -> None:
        """Forget everything to come; ``lose`` is for what sounds."""
        self._heap.clear()
        self._held.clear()
        self._placed.forget()

    def pop(self, clock: Callable[[], float]) -> TimedMessage | None:
        """Take the next message that is due, or None. Notes that are too late are dropped and counted."""
        while (first := self.next_due) is not None and first <= (now := clock()):
            if self._take_placed(first):
                continue
            due, kind, order, note = self._heap[0]
            current = self._sounding.get(note.key)
            if kind == _ON and now - due > LATE_SECONDS:
                self._drop(heapq.heappop(self._heap)[3])
            elif kind == _ON and current is not None and note.key[1] != BEND:
                return self._end(current, due)  # the note itself is next
            elif kind == _ON:
                self._sounding[note.key] = note
                heapq.heappop(self._heap)
                if note.offset is not None:
                    heapq.heappush(self._heap, (note.offset, _OFF, order, note))
                return TimedMessage(due, note.owner, *note.key, note.velocity)
            else:
                heapq.heappop(self._heap)
                if current is not None and current.order == order:  # else a re-strike has ended it already
                    return self._end(current, due)
        return None

    def drop_due(self, now: float) -> None:
        """Drop and count the notes that are due: there is no port to send them to."""
        while (first := self.next_due) is not None and first <= now:
            if self._take_placed(first):
                continue
            _, kind, _, note = heapq.heappop(self._heap)
            if kind == _ON:
                self._drop(note)

    def lose(self) -> frozenset[Key]:
        """Stop tracking what sounds and return it: the caller ends it by other means."""
        lost = self.sounding
        self._sounding.clear()  # their ends, if still in the heap, are skipped when they come up
        return lost

    def _take_placed(self, due: float) -> bool:
        """Move what the playhead reaches at ``due`` to the heap; return whether there was anything."""
        if self._placed.next_due != due:
            return False
        for taken in self._placed.take():
            self._push(taken)
        return True

    def _push(self, taken: Taken) -> None:
        placed, note = taken.placed, taken.placed.note
        timed = _Note(placed.owner, placed.order, (note.channel, note.pitch), note.velocity, None)
        heapq.heappush(self._heap, (taken.due, _ON if taken.starts else _OFF, placed.order, timed))

    def _check(self, notes: Sequence[NoteEvent], start: float) -> None:
        if len(self._heap) + len(self._placed) + len(notes) > MAX_PENDING:
            raise Busy("Too many notes wait to be played. Cancel a job, or send /diffroll/panic.")
        if not math.isfinite(start):
            raise RequestError(f"Notes cannot start at {start} seconds: give a finite time.")
        for note in notes:
            _validate(note)

    def _end(self, note: _Note, due: float) -> TimedMessage:
        del self._sounding[note.key]
        return TimedMessage(due, note.owner, *note.key, 0)


def _validate(note: NoteEvent) -> None:
    fits = 0 <= note.channel <= 15 and 0 <= note.pitch <= BEND
    fits = fits and 1 <= note.velocity <= (HIGHEST if note.pitch == BEND else 127)
    if not (fits and math.isfinite(note.onset) and math.isfinite(note.offset) and note.onset < note.offset):
        raise RequestError(
            f"{note} cannot be played: a note ends after its onset, on channel 0..15, pitch 0..127, velocity 1..127."
        )
