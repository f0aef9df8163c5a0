"""From live estimates to notes: three lanes, one index per note, nothing reported twice, nothing left open.

A note is *previewed* when its onset is first detected, *committed* at the last moment at which it can still sound on
time, and *revised* once, when nothing that is still to come can change it. Pure: no clock, no torch, no MIDI. Every
pitch has its own track, since only a new onset of the same key can end a note.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from diffroll_live.live_types import Lane, LaneNote, LiveEstimate, OnsetCandidate, SoundingSpan

PREVIEW_AGE = 0.02  # s; an onset closer to the edge is a guess
REVISE_AGE = 0.75  # s; later audio does not change a note any more
MATCH = 0.06  # s between two hops' onsets of one note
GRACE = 0.05  # s that a note may be late; one that is detected even later is only revised in
ATTACK = 0.032  # s after its onset before a note must sound
SHORTEST = 0.03  # s
LONGEST = 60.0  # s; no string rings longer
DOUBTED_HOPS = 2  # hops without its onset that a previewed note survives

Sounded = TypeVar("Sounded", OnsetCandidate, SoundingSpan)


@dataclass(slots=True)
class _Note:
    """A note in the making: ``onset`` and ``offset`` as committed, ``candidate`` as last estimated."""

    index: int
    candidate: OnsetCandidate
    in_time: bool  # it was detected early enough to sound
    previewed: bool = False
    committed: bool = False
    settled: bool = False  # nothing changes its onset any more
    done: bool = False
    doubts: int = 0  # hops in a row without its onset
    onset: float = 0.0
    offset: float | None = None

    def report(self, lane: Lane, *, velocity: int | None = None) -> LaneNote:
        """Report what is known of it."""
        level = self.candidate.velocity if velocity is None else velocity
        onset = self.onset if self.committed or self.settled else self.candidate.onset
        return LaneNote(lane, self.index, self.candidate.pitch, onset, self.offset, level)


class NoteTracker:
    """All notes of one live input."""

    def __init__(self) -> None:
        self._indices = itertools.count()
        self._tracks: dict[int, _Track] = {}
        self._due = -float("inf")
        self._since = -float("inf")  # s; earlier onsets have been reported and ended

    def update(self, estimate: LiveEstimate, due: float) -> tuple[LaneNote, ...]:
        """Take a hop's estimate. What began or ended before ``due`` must be decided now to sound on time."""
        before = self._due
        due = self._due = max(min(due, estimate.edge - PREVIEW_AGE), before)
        candidates = _by_pitch(candidate for candidate in estimate.candidates if candidate.onset >= self._since)
        spans = _by_pitch(estimate.spans)
        reports: list[LaneNote] = []
        for pitch in sorted(candidates.keys() | self._tracks.keys()):
            track = self._tracks.setdefault(pitch, _Track())
            seen = _Pitch(candidates[pitch], spans[pitch], estimate)
            reports += track.update(seen, before, due, self._indices)
            if not track.notes:
                del self._tracks[pitch]
        return tuple(reports)

    def finish(self, end: float) -> tuple[LaneNote, ...]:
        """End every note at ``end`` at the latest, as no more audio follows; the next hop starts afresh."""
        reports = tuple(note for pitch in sorted(self._tracks) for note in self._tracks[pitch].finish(end))
        self._tracks.clear()
        self._due, self._since = max(self._due, end), end
        return reports


@dataclass(frozen=True, slots=True)
class _Pitch:
    """The estimate of one pitch."""

    candidates: list[OnsetCandidate]
    spans: list[SoundingSpan]
    whole: LiveEstimate  # of all pitches

    def end(self, onset: float) -> float | None:
        """Find when a note that began at ``onset`` ended; None while it sounds."""
        begun = max(onset + ATTACK, self.whole.since)
        for span in self.spans:
            if span.end is None or span.end > begun:
                return span.end if span.begin <= begun + ATTACK else begun
        return begun if begun < self.whole.edge - ATTACK else None


@dataclass(slots=True)
class _Track:
    """The notes of one pitch that may still change, by onset."""

    notes: list[_Note] = field(default_factory=list)
    last_onset: float = -float("inf")  # s, of the commit lane
    sent_until: float = -float("inf")  # s, where the commit lane is free again
    final_until: float = -float("inf")  # s, where the revise lane is

    def update(self, seen: _Pitch, before: float, due: float, indices: Iterator[int]) -> Iterator[LaneNote]:
        """Take the estimate of a hop; ``before`` is the ``due`` of the hop before."""
        self._match(seen, before, indices)
        for note in tuple(self.notes):
            if not note.committed and not note.settled:
                yield from self._preview(note, seen.whole.edge, due)
        for note in tuple(self.notes):
            if note.in_time and not note.committed and note.candidate.onset <= due:
                yield from self._commit(note, seen, due)
        for note in self.notes:
            if note.committed and note.offset is None:
                yield from self._end(note, seen, due)
        yield from self._revise(seen)
        self.notes = [n for n in self.notes if not (n.done and n.onset < seen.whole.since - MATCH)]

    def _match(self, seen: _Pitch, before: float, indices: Iterator[int]) -> None:
        """Match each note with the nearest onset of this hop; an onset that is left over is a new note."""
        free = list(seen.candidates)
        for note in self.notes:
            nearest = min(free, key=lambda candidate: abs(candidate.onset - note.candidate.onset), default=None)
            if nearest is not None and abs(nearest.onset - note.candidate.onset) <= MATCH:
                free.remove(nearest)
                if not note.settled:
                    note.candidate, note.doubts = nearest, 0
            elif note.candidate.onset > seen.whole.since + MATCH:
                note.doubts += 1
        new = [candidate for candidate in free if candidate.probability >= seen.whole.threshold]
        self.notes += [_Note(next(indices), candidate, candidate.onset > before - GRACE) for candidate in new]
        self.notes.sort(key=lambda note: note.candidate.onset)

    def _preview(self, note: _Note, edge: float, due: float) -> Iterator[LaneNote]:
        """Report a note as soon as it may be one; take it back when its onset is gone."""
        if note.doubts >= DOUBTED_HOPS or (note.doubts and note.in_time and note.candidate.onset <= due):
            self.notes.remove(note)
            if note.previewed:
                yield note.report("preview", velocity=0)
        elif note.in_time and not note.previewed and note.candidate.onset <= edge - PREVIEW_AGE:
            note.previewed = True
            yield note.report("preview")

    def _commit(self, note: _Note, seen: _Pitch, due: float) -> Iterator[LaneNote]:
        """Let a note sound, unless it is too weak by now or earlier than one that already sounds."""
        if note.candidate.probability < seen.whole.threshold or note.candidate.onset <= self.last_onset:
            note.in_time = self.last_onset < note.candidate.onset > due - GRACE
            return
        onset = max(note.candidate.onset, self.sent_until)
        for sounding in self.notes:
            if sounding.committed and sounding.offset is None:
                sounding.offset = onset = max(onset, sounding.onset + SHORTEST)
                yield sounding.report("commit")
        note.onset, note.committed = onset, True
        self.last_onset = self.sent_until = onset
        yield note.report("commit")

    def _end(self, note: _Note, seen: _Pitch, due: float) -> Iterator[LaneNote]:
        end = seen.end(note.onset)
        if end is None and due - note.onset > LONGEST:
            end = due
        if end is not None and end <= due:
            note.offset = self.sent_until = max(end, note.onset + SHORTEST)
            yield note.report("commit")

    def _revise(self, seen: _Pitch) -> Iterator[LaneNote]:
        """Report the final notes, in order, once nothing can change them any more."""
        certain = seen.whole.edge - REVISE_AGE
        for note in tuple(self.notes):
            if not note.settled and note.candidate.onset <= certain:
                if note.doubts or (not note.committed and note.candidate.probability < seen.whole.threshold):
                    self.notes.remove(note)
                    if note.previewed or note.committed:
                        yield note.report("revise", velocity=0)
                    continue
                note.settled, note.onset = True, max(note.candidate.onset, self.final_until)
            if note.settled and not note.done:
                yield from self._finalise(note, seen, certain)
            if not note.done:
                return

    def _finalise(self, note: _Note, seen: _Pitch, certain: float) -> Iterator[LaneNote]:
        """Report a note for the last time, when its end is certain too."""
        following = min(
            (n.candidate.onset for n in self.notes if n.candidate.onset > note.candidate.onset), default=certain
        )
        end = seen.end(note.onset)
        end = following if end is None else min(end, following)
        if end >= certain and certain - note.onset <= LONGEST:
            return
        if note.committed and note.offset is None:  # an onset ends it that was detected too late to sound
            note.offset = self.sent_until = max(end, note.onset + SHORTEST)
            yield note.report("commit")
        note.offset = end
        yield self._report_last(note)

    def _report_last(self, note: _Note) -> LaneNote:
        """Report a note after those that were reported before, whichever was detected first."""
        note.onset = max(note.onset, self.final_until)
        note.offset = self.final_until = max(note.offset or note.onset, note.onset + SHORTEST)
        note.done = True
        return note.report("revise")

    def finish(self, end: float) -> Iterator[LaneNote]:
        """End everything at the latest at ``end``."""
        for note in self.notes:
            if note.committed and note.offset is None:
                note.offset = max(end, note.onset + SHORTEST)
                yield note.report("commit")
            if note.committed and not note.done:
                yield self._report_last(note)
            elif note.previewed and not note.done:
                yield note.report("revise", velocity=0)


def _by_pitch(items: Iterable[Sounded]) -> defaultdict[int, list[Sounded]]:
    found: defaultdict[int, list[Sounded]] = defaultdict(list)
    for item in items:
        found[item.pitch].append(item)
    return found
