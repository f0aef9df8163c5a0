"""When what the model believes becomes a note: three lanes, one index a note, nothing told twice, nothing left open.

A note is *previewed* when it is first believed in, *committed* at the last moment that still lets it sound on time, and
*revised* once, when all the future has been heard that can change it. Pure: no clock, no torch, no MIDI. Every pitch
is a track of its own, since only a strike of the same key ends a note.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from diffroll_live.live_types import Lane, LaneNote, LiveEstimate, OnsetCandidate, SoundingSpan

PREVIEW_AGE = 0.02  # s; at the very edge a strike is a guess
REVISE_AGE = 0.75  # s; nothing that is heard later changes a note
MATCH = 0.06  # s between two hops' onsets of one note
GRACE = 0.05  # s that a note may be late; one that is believed in even later is only revised in
ATTACK = 0.032  # s after its onset in which a note need not sound yet
SHORTEST = 0.03  # s
LONGEST = 60.0  # s; a string rings no longer
DOUBTED_HOPS = 2  # hops without a strike that a previewed note survives

Sounded = TypeVar("Sounded", OnsetCandidate, SoundingSpan)


@dataclass(slots=True)
class _Note:
    """A note in the making. ``onset`` and ``offset`` are as they were committed, ``strike`` as it was last believed."""

    index: int
    strike: OnsetCandidate
    in_time: bool  # it was believed in early enough to sound
    previewed: bool = False
    committed: bool = False
    settled: bool = False  # nothing changes its onset any more
    done: bool = False
    doubts: int = 0  # hops in a row that did not believe in it
    onset: float = 0.0
    offset: float | None = None

    def told(self, lane: Lane, *, velocity: int | None = None) -> LaneNote:
        """Say what is known of it."""
        level = self.strike.velocity if velocity is None else velocity
        onset = self.onset if self.committed or self.settled else self.strike.onset
        return LaneNote(lane, self.index, self.strike.pitch, onset, self.offset, level)


class NoteTracker:
    """All notes of one live input."""

    def __init__(self) -> None:
        self._indices = itertools.count()
        self._tracks: dict[int, _Track] = {}
        self._due = -float("inf")
        self._since = -float("inf")  # s; what was struck before has been told and ended

    def hear(self, belief: LiveEstimate, due: float) -> tuple[LaneNote, ...]:
        """Take a hop's belief. What began or ended until ``due`` must be decided now to be heard on time."""
        before = self._due
        due = self._due = max(min(due, belief.edge - PREVIEW_AGE), before)
        strikes = _by_pitch(strike for strike in belief.strikes if strike.onset >= self._since)
        stretches = _by_pitch(belief.stretches)
        told: list[LaneNote] = []
        for pitch in sorted(strikes.keys() | self._tracks.keys()):
            track = self._tracks.setdefault(pitch, _Track())
            heard = _Pitch(strikes[pitch], stretches[pitch], belief)
            told += track.hear(heard, before, due, self._indices)
            if not track.notes:
                del self._tracks[pitch]
        return tuple(told)

    def finish(self, end: float) -> tuple[LaneNote, ...]:
        """End every note at the latest at ``end``, because nothing more is heard; the next hop begins anew."""
        told = tuple(note for pitch in sorted(self._tracks) for note in self._tracks[pitch].finish(end))
        self._tracks.clear()
        self._due, self._since = max(self._due, end), end
        return told


@dataclass(frozen=True, slots=True)
class _Pitch:
    """What a hop believes of one pitch."""

    strikes: list[OnsetCandidate]
    stretches: list[SoundingSpan]
    belief: LiveEstimate  # that it is part of

    def end(self, onset: float) -> float | None:
        """When a note that began at ``onset`` ended; None while it sounds."""
        begun = max(onset + ATTACK, self.belief.since)
        for stretch in self.stretches:
            if stretch.end is None or stretch.end > begun:
                return stretch.end if stretch.begin <= begun + ATTACK else begun
        return begun if begun < self.belief.edge - ATTACK else None


@dataclass(slots=True)
class _Track:
    """The notes of one pitch that may still change, by onset."""

    notes: list[_Note] = field(default_factory=list)
    struck: float = -float("inf")  # s, the onset committed last
    sent_until: float = -float("inf")  # s, where the commit lane is free again
    final_until: float = -float("inf")  # s, where the revise lane is

    def hear(self, heard: _Pitch, before: float, due: float, indices: Iterator[int]) -> Iterator[LaneNote]:
        """Take what a hop believes; ``before`` is what was due the hop before."""
        self._match(heard, before, indices)
        for note in tuple(self.notes):
            if not note.committed and not note.settled:
                yield from self._preview(note, heard.belief.edge, due)
        for note in tuple(self.notes):
            if note.in_time and not note.committed and note.strike.onset <= due:
                yield from self._commit(note, heard, due)
        for note in self.notes:
            if note.committed and note.offset is None:
                yield from self._end(note, heard, due)
        yield from self._revise(heard)
        self.notes = [n for n in self.notes if not (n.done and n.onset < heard.belief.since - MATCH)]

    def _match(self, heard: _Pitch, before: float, indices: Iterator[int]) -> None:
        """Give each note its strike of this hop, the nearest one; a strike that is nobody's is a new note."""
        free = list(heard.strikes)
        for note in self.notes:
            nearest = min(free, key=lambda strike: abs(strike.onset - note.strike.onset), default=None)
            if nearest is not None and abs(nearest.onset - note.strike.onset) <= MATCH:
                free.remove(nearest)
                if not note.settled:
                    note.strike, note.doubts = nearest, 0
            elif note.strike.onset > heard.belief.since + MATCH:
                note.doubts += 1
        new = [strike for strike in free if strike.probability >= heard.belief.threshold]
        self.notes += [_Note(next(indices), strike, strike.onset > before - GRACE) for strike in new]
        self.notes.sort(key=lambda note: note.strike.onset)

    def _preview(self, note: _Note, edge: float, due: float) -> Iterator[LaneNote]:
        """Tell of a note as soon as it may be one; take it back when it is believed in no more."""
        if note.doubts >= DOUBTED_HOPS or (note.doubts and note.in_time and note.strike.onset <= due):
            self.notes.remove(note)
            if note.previewed:
                yield note.told("preview", velocity=0)
        elif note.in_time and not note.previewed and note.strike.onset <= edge - PREVIEW_AGE:
            note.previewed = True
            yield note.told("preview")

    def _commit(self, note: _Note, heard: _Pitch, due: float) -> Iterator[LaneNote]:
        """Let a note sound, unless it is too weak now or comes before one that sounds already."""
        if note.strike.probability < heard.belief.threshold or note.strike.onset <= self.struck:
            note.in_time = self.struck < note.strike.onset > due - GRACE
            return
        onset = max(note.strike.onset, self.sent_until)
        for sounding in self.notes:
            if sounding.committed and sounding.offset is None:
                sounding.offset = onset = max(onset, sounding.onset + SHORTEST)
                yield sounding.told("commit")
        note.onset, note.committed = onset, True
        self.struck = self.sent_until = onset
        yield note.told("commit")

    def _end(self, note: _Note, heard: _Pitch, due: float) -> Iterator[LaneNote]:
        end = heard.end(note.onset)
        if end is None and due - note.onset > LONGEST:
            end = due
        if end is not None and end <= due:
            note.offset = self.sent_until = max(end, note.onset + SHORTEST)
            yield note.told("commit")

    def _revise(self, heard: _Pitch) -> Iterator[LaneNote]:
        """Tell what has become of notes, in their order, once nothing can change them any more."""
        certain = heard.belief.edge - REVISE_AGE
        for note in tuple(self.notes):
            if not note.settled and note.strike.onset <= certain:
                if note.doubts or (not note.committed and note.strike.probability < heard.belief.threshold):
                    self.notes.remove(note)
                    if note.previewed or note.committed:
                        yield note.told("revise", velocity=0)
                    continue
                note.settled, note.onset = True, max(note.strike.onset, self.final_until)
            if note.settled and not note.done:
                yield from self._finalise(note, heard, certain)
            if not note.done:
                return

    def _finalise(self, note: _Note, heard: _Pitch, certain: float) -> Iterator[LaneNote]:
        """Tell of a note for the last time when its end is certain, too."""
        following = min((n.strike.onset for n in self.notes if n.strike.onset > note.strike.onset), default=certain)
        end = heard.end(note.onset)
        end = following if end is None else min(end, following)
        if end >= certain and certain - note.onset <= LONGEST:
            return
        note.offset = end
        yield self._told_at_last(note)

    def _told_at_last(self, note: _Note) -> LaneNote:
        """Tell of a note behind those that were told before, whichever of them was believed in first."""
        note.onset = max(note.onset, self.final_until)
        note.offset = self.final_until = max(note.offset or note.onset, note.onset + SHORTEST)
        note.done = True
        return note.told("revise")

    def finish(self, end: float) -> Iterator[LaneNote]:
        """End everything at the latest at ``end``."""
        for note in self.notes:
            if note.committed and note.offset is None:
                note.offset = max(end, note.onset + SHORTEST)
                yield note.told("commit")
            if note.committed and not note.done:
                yield self._told_at_last(note)
            elif note.previewed and not note.done:
                yield note.told("revise", velocity=0)


def _by_pitch(items: Iterable[Sounded]) -> defaultdict[int, list[Sounded]]:
    found: defaultdict[int, list[Sounded]] = defaultdict(list)
    for item in items:
        found[item.pitch].append(item)
    return found
