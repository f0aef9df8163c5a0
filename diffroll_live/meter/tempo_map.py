"""Tempo along a timeline, as far as it is known: seconds to beats and back. Beats are quarter notes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

SAME_TEMPO = 0.005  # BPM; closer tempi count as equal
MAX_CHANGES = 1024


@dataclass(frozen=True, slots=True)
class TempoChange:
    """From ``position`` on, in seconds, the tempo is ``tempo`` BPM."""

    position: float
    tempo: float


def steady(tempo: float) -> tuple[TempoChange, ...]:
    """The changes of a constant tempo: one, at 0."""
    return (TempoChange(0.0, tempo),)


@dataclass(frozen=True, slots=True)
class TempoMap:
    """Tempo changes in order; the first tempo also applies before its position, where the beat is ``beat``.

    ``observed`` is the span that the playhead has passed; its tempi are kept until they are contradicted.
    """

    changes: tuple[TempoChange, ...] = (TempoChange(0.0, 120.0),)
    beat: float = 0.0
    observed: tuple[float, float] | None = None
    _knots: tuple[Doubles, Doubles, Doubles] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compute the position, beat and tempo at each change, (n_changes,) each."""
        positions = np.array([change.position for change in self.changes])
        tempi = np.array([change.tempo for change in self.changes])
        beats = self.beat + np.append(0.0, np.cumsum(np.diff(positions) * tempi[:-1] / 60.0))[: len(tempi)]
        object.__setattr__(self, "_knots", (positions, beats, tempi))

    def tempo_at(self, position: float) -> float:
        """The tempo at a position, in BPM."""
        return self.changes[self._index(position)].tempo

    def beat_at(self, position: float) -> float:
        """The beat at a position, with its fraction; negative before beat 0."""
        return float(self.beats_at(position))

    def position_at(self, beat: float) -> float:
        """The position of a beat, in seconds."""
        return float(self.positions_at(beat))

    def beats_at(self, positions: npt.ArrayLike) -> Doubles:
        """The beats at positions of any shape, in seconds."""
        at, known, beats, tempi = np.asarray(positions, float), *self._knots
        index = np.maximum(np.searchsorted(known, at, "right") - 1, 0)
        return beats[index] + (at - known[index]) * tempi[index] / 60.0

    def positions_at(self, beats: npt.ArrayLike) -> Doubles:
        """The positions of beats of any shape, in seconds."""
        at, known, ours, tempi = np.asarray(beats, float), *self._knots
        index = np.maximum(np.searchsorted(ours, at, "right") - 1, 0)
        return known[index] + (at - ours[index]) * 60.0 / tempi[index]

    def on_clock(self, position: float, at: float, rate: float) -> TempoMap:
        """The same tempi along a clock that passes ``position`` at ``at`` seconds, and ``rate`` seconds a second."""
        placed = (TempoChange(at + (here.position - position) / rate, here.tempo * rate) for here in self.changes)
        return TempoMap(tuple(placed), self.beat)

    def between(self, start: float, end: float) -> tuple[TempoChange, ...]:
        """The changes within a span, relative to its start; the first is at 0."""
        inside = tuple(
            TempoChange(change.position - start, change.tempo)
            for change in self.changes
            if start < change.position < end
        )
        return (TempoChange(0.0, self.tempo_at(start)), *inside)

    def observe(self, position: float, tempo: float, since: float | None = None) -> TempoMap:
        """Record the tempo at a position; ``since`` is the last position known of a playhead that kept playing.

        A playing playhead records where the tempo changes. A tempo observed while stopped or after a jump that
        contradicts what was observed there before means that the DAW's tempo was set anew: everything is forgotten.
        """
        if abs(self.tempo_at(position) - tempo) <= SAME_TEMPO:
            changed = self
        elif since is not None:
            changed = self._changed(since, position, tempo)
        elif self.observed is None or self.observed[0] <= position <= self.observed[1]:
            first = self.changes[0]
            changed = TempoMap((TempoChange(first.position, tempo),), self.beat)
        else:
            changed = self._changed(position, position, tempo)
        if since is None:
            return changed
        low, high = self.observed or (since, position)
        return replace(changed, observed=(min(low, since), max(high, position)))

    def with_beat(self, position: float, beat: float) -> TempoMap:
        """Record the beat at a position: the same tempi, with the beats renumbered to match."""
        return replace(self, beat=self.beat + beat - self.beat_at(position))

    def _index(self, position: float) -> int:
        return max(0, bisect_right(self.changes, position, key=lambda change: change.position) - 1)

    def _changed(self, since: float, position: float, tempo: float) -> TempoMap:
        """Set the tempo at a position, replacing the changes in (since, position]."""
        before = tuple(change for change in self.changes if change.position <= since and change.position < position)
        after = tuple(change for change in self.changes if change.position > position)
        here = TempoChange(position, tempo)
        if before and abs(before[-1].tempo - tempo) <= SAME_TEMPO:
            return replace(self, changes=(*before, *after))
        if before:
            return _thin(replace(self, changes=(*before, here, *after)))
        if not after:
            return TempoMap((here,), self.beat_at(position), self.observed)
        steps = (after[0].position - position) * tempo / 60.0  # known beats keep their positions
        return TempoMap((here, *after), self.beat_at(after[0].position) - steps, self.observed)


def _thin(tempo_map: TempoMap) -> TempoMap:
    """Forget the older half of the changes when there are too many."""
    if len(tempo_map.changes) <= MAX_CHANGES:
        return tempo_map
    kept = tempo_map.changes[MAX_CHANGES // 2 :]
    return replace(tempo_map, changes=kept, beat=tempo_map.beat_at(kept[0].position))
