"""The notes that wait for the playhead: which is next, and what a jump ends. Without a thread, a lock or a clock.

Notes lie on the DAW's timeline and stay there for every pass of the playhead. A position becomes a due time only when
it is needed, so that a small correction of the playhead moves everything to come, the ends of sounding notes included,
while what was taken in this lap is never taken again. Used by note_queue.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.types import NoteEvent

_ONSET = attrgetter("note.onset")


@dataclass(frozen=True, slots=True)
class Placed:
    """A note of an owner; its times are positions on the DAW's timeline. ``order`` is unique."""

    owner: str
    order: int
    note: NoteEvent


@dataclass(frozen=True, slots=True)
class Taken:
    """A placed note that starts or ends now; ``due`` in seconds of the scheduler's clock."""

    due: float
    starts: bool
    placed: Placed


class PlayheadQueue:
    """All placed notes, the model of the playhead, and how far it has come."""

    def __init__(self) -> None:
        self.playhead = PlayheadModel()
        self._notes: list[Placed] = []  # by onset, then order
        self._next = 0  # of those, the first that this lap has not taken
        self._lap = 0
        self._taken_to = -math.inf  # the last onset that this lap has taken
        self._ending: list[tuple[float, int, Placed]] = []  # heap: the unwrapped position at which it ends, order

    def __len__(self) -> int:
        return len(self._notes)

    @property
    def next_due(self) -> float | None:
        """When the playhead comes to the next start, end or wrap of the loop; None when it does not."""
        unwrapped = self._next_unwrapped()
        return None if unwrapped is None else self.playhead.time_of(unwrapped)

    def take(self) -> tuple[Taken, ...]:
        """Take what is next: the end of a note, the ends of all at the loop's wrap (perhaps none), or a start."""
        unwrapped = self._next_unwrapped()
        if unwrapped is None:
            return ()
        due = self.playhead.time_of(unwrapped)
        if self._ending and self._ending[0][0] <= unwrapped:
            return (Taken(due, False, heapq.heappop(self._ending)[2]),)
        if unwrapped >= self._wrap_at():
            self._begin_lap(self._lap + 1)
            return self._end_all(due)
        placed = self._notes[self._next]
        self._next += 1
        self._taken_to = placed.note.onset
        self._await_end(placed)
        return (Taken(due, True, placed),)

    def follow(self, playhead: PlayheadModel, now: float) -> tuple[Taken, ...]:
        """Switch to a new model of the playhead; one of another run ends what sounds. Returns those ends."""
        broken = playhead.run != self.playhead.run
        self.playhead = playhead
        if not broken:
            return ()
        self._begin_lap(0)
        return self._end_all(now)

    def add(self, placed: Sequence[Placed], now: float) -> tuple[Taken, ...]:
        """Add notes; return the starts of those that the playhead has already passed in this lap."""
        boundary = self._boundary(now)
        first = self.playhead.lap_start(self._lap)
        behind = [item for item in placed if item.note.onset < boundary or item.note.onset <= self._taken_to]
        self._notes = sorted([*self._notes, *placed], key=lambda item: (item.note.onset, item.order))
        self._next += len(behind)
        if not self.playhead.playing:
            return ()
        passed = [item for item in behind if item.note.onset >= first]
        for item in passed:
            self._await_end(item)
        return tuple(Taken(self.playhead.time_of(self._unwrap(item.note.onset)), True, item) for item in passed)

    def remove(self, owner: str) -> None:
        """Forget the notes of an owner."""
        self._next -= sum(item.owner == owner for item in self._notes[: self._next])
        self._notes = [item for item in self._notes if item.owner != owner]
        self._ending = [entry for entry in self._ending if entry[2].owner != owner]
        heapq.heapify(self._ending)

    def forget(self) -> None:
        """Forget all notes, but not the playhead."""
        self._notes.clear()
        self._ending.clear()
        self._next = 0

    def _next_unwrapped(self) -> float | None:
        if not self.playhead.playing or not (self._notes or self._ending):
            return None
        coming = [self._wrap_at()]
        if self._ending:
            coming.append(self._ending[0][0])
        if self._next < len(self._notes):
            coming.append(self._unwrap(self._notes[self._next].note.onset))
        unwrapped = min(coming)
        return unwrapped if math.isfinite(unwrapped) else None

    def _unwrap(self, position: float) -> float:
        return position + self.playhead.lap_seconds(self._lap)

    def _wrap_at(self) -> float:
        return math.inf if self.playhead.loop is None else self._unwrap(self.playhead.loop.end)

    def _begin_lap(self, lap: int) -> None:
        self._lap = lap
        self._next = bisect_left(self._notes, self.playhead.lap_start(lap), key=_ONSET)
        self._taken_to = -math.inf

    def _boundary(self, now: float) -> float:
        """Tell from which position on this lap is still to come."""
        here = self.playhead.unwrapped_at(now) - self.playhead.lap_seconds(self._lap)
        if self._next < len(self._notes):
            here = min(here, self._notes[self._next].note.onset)
        return max(here, self.playhead.lap_start(self._lap))

    def _await_end(self, placed: Placed) -> None:
        heapq.heappush(self._ending, (self._unwrap(placed.note.offset), placed.order, placed))

    def _end_all(self, due: float) -> tuple[Taken, ...]:
        ended = tuple(Taken(due, False, placed) for _, _, placed in self._ending)
        self._ending.clear()
        return ended
