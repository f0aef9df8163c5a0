"""The DAW's tempo along its timeline, as far as it was heard: seconds to beats and back. Beats are quarter notes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

SAME_TEMPO = 0.005  # beats a minute; closer tempi are one
MAX_CHANGES = 1024


@dataclass(frozen=True, slots=True)
class TempoChange:
    """From ``position`` on, in seconds, the tempo is ``tempo`` beats a minute."""

    position: float
    tempo: float


def steady(tempo: float) -> tuple[TempoChange, ...]:
    """Make a list of changes that has none: one tempo, from 0 on."""
    return (TempoChange(0.0, tempo),)


@dataclass(frozen=True, slots=True)
class TempoTrack:
    """Tempo changes in order; the first tempo holds before its position, too, where the beat is ``beat``.

    ``heard`` is the stretch that the playhead has passed: what was heard there is believed until it is heard otherwise.
    """

    changes: tuple[TempoChange, ...] = (TempoChange(0.0, 120.0),)
    beat: float = 0.0
    heard: tuple[float, float] | None = None
    _beats: tuple[float, ...] = field(init=False, repr=False, compare=False)  # at each change

    def __post_init__(self) -> None:
        steps = ((b.position - a.position) * a.tempo / 60.0 for a, b in pairwise(self.changes))
        object.__setattr__(self, "_beats", tuple(accumulate(steps, initial=self.beat)))

    def tempo_at(self, position: float) -> float:
        """Tell the tempo at a position, in beats a minute."""
        return self.changes[self._index(position)].tempo

    def beat_at(self, position: float) -> float:
        """Tell how many beats lie before a position; fractions count, and before beat 0 they are negative."""
        index = self._index(position)
        change = self.changes[index]
        return self._beats[index] + (position - change.position) * change.tempo / 60.0

    def position_at(self, beat: float) -> float:
        """Tell where a beat is, in seconds."""
        index = max(0, bisect_right(self._beats, beat) - 1)
        change = self.changes[index]
        return change.position + (beat - self._beats[index]) * 60.0 / change.tempo

    def between(self, start: float, end: float) -> tuple[TempoChange, ...]:
        """List the changes of a stretch, counted from its start; the first is at 0."""
        inside = tuple(
            TempoChange(change.position - start, change.tempo)
            for change in self.changes
            if start < change.position < end
        )
        return (TempoChange(0.0, self.tempo_at(start)), *inside)

    def hear(self, position: float, tempo: float, since: float | None = None) -> TempoTrack:
        """Take the tempo at a position; ``since`` is where a playhead that plays on was last heard.

        A playhead that plays writes down where the tempo changes. A tempo that is heard standing, or after a jump,
        and that contradicts what was heard there before, means that the DAW's tempo was set anew: all is forgotten.
        """
        if abs(self.tempo_at(position) - tempo) <= SAME_TEMPO:
            track = self
        elif since is not None:
            track = self._changed(since, position, tempo)
        elif self.heard is None or self.heard[0] <= position <= self.heard[1]:
            first = self.changes[0]
            track = TempoTrack((TempoChange(first.position, tempo),), self.beat)
        else:
            track = self._changed(position, position, tempo)
        if since is None:
            return track
        low, high = self.heard or (since, position)
        return replace(track, heard=(min(low, since), max(high, position)))

    def with_beat(self, position: float, beat: float) -> TempoTrack:
        """Take the beat at a position: the same tempi, with the beats counted so that it fits."""
        return replace(self, beat=self.beat + beat - self.beat_at(position))

    def _index(self, position: float) -> int:
        return max(0, bisect_right(self.changes, position, key=lambda change: change.position) - 1)

    def _changed(self, since: float, position: float, tempo: float) -> TempoTrack:
        """Change the tempo at a position, in place of the changes in (since, position]."""
        before = tuple(change for change in self.changes if change.position <= since and change.position < position)
        after = tuple(change for change in self.changes if change.position > position)
        here = TempoChange(position, tempo)
        if before and abs(before[-1].tempo - tempo) <= SAME_TEMPO:
            return replace(self, changes=(*before, *after))
        if before:
            return _thin(replace(self, changes=(*before, here, *after)))
        if not after:
            return TempoTrack((here,), self.beat_at(position), self.heard)
        steps = (after[0].position - position) * tempo / 60.0  # the beats that are known stay where they are
        return TempoTrack((here, *after), self.beat_at(after[0].position) - steps, self.heard)


def _thin(track: TempoTrack) -> TempoTrack:
    """Forget the older half of the changes when they become too many."""
    if len(track.changes) <= MAX_CHANGES:
        return track
    kept = track.changes[MAX_CHANGES // 2 :]
    return replace(track, changes=kept, beat=track.beat_at(kept[0].position))
