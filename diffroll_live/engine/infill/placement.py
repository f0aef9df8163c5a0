"""Seconds to steps and back: a passage cut out of the time of a request, and written notes put back into it.

Times go through the meter map; what players add to it, a little earlier or later, together or spread, held a little
shorter or longer than the note says, comes back as residuals of the notes around, drawn by the seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.composer.passage import Bools, Passage
from diffroll_live.composer.steps import TRIPLETS, step_grid
from diffroll_live.composer.vocabulary import DURATIONS, N_KEYS, TICKS_PER_QUARTER, Ints, duration_class
from diffroll_live.meter.meter_map import Bar, MeterMap
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import LOW_PITCH
from diffroll_live.types import NoteEvent, Region

Doubles = npt.NDArray[np.float64]

BETWEEN = (8, 16)  # ticks of a quarter where only triplets lie
NEAR = 1.6  # ticks; a played onset this close to a place lies on it
FEWEST_TRIPLETS = 3
MOST_RESIDUAL = 0.4  # of the time between two steps
HELD = (0.7, 1.3)  # times a length of the vocabulary that a note may be held
FEWEST_HELD = 4  # notes of a length that say how long it is held
INSIDE = 1e-3  # s before the end of a hole where the last note may begin
STEADY = 1.5  # a standard deviation of velocities below which a person has typed them
BEYOND = 4  # by which a velocity may exceed those around
USUAL_VELOCITY, ACCENT = 68, 8  # where nothing around says how loud
SHORTEST = 0.03  # s
NOBODYS = np.zeros((0, 4))  # rows where there are none


@dataclass(frozen=True, slots=True)
class Placement:
    """A passage and where it lies: ``time`` (n_steps + 1,) of each step and of the end, in seconds.

    holes: where notes may begin. residual: (n,) s by which chords around come late. spread: (n,) s by which notes of a
    chord differ from that. held: (n, 2) classes of length of the notes around, and how many times so long they sound.
    velocities: (n,) of the notes around.
    """

    passage: Passage
    time: Doubles
    first_beat: float
    meter: MeterMap
    holes: tuple[Region, ...]
    residual: Doubles
    spread: Doubles
    held: Doubles
    velocities: Doubles

    def event(self, note: tuple[int, int, int, int], rng: np.random.Generator, late: float) -> NoteEvent:
        """A written row (step, key, ticks, velocity) as a note; ``late`` is the residual of its chord.

        It ends before its key may be struck again.
        """
        step, key, ticks, velocity = note
        own = float(rng.choice(self.spread)) if len(self.spread) else 0.0
        room = self.room(step)
        onset = self._inside(self.time[step] + float(np.clip(late + own, -room, room)), key + LOW_PITCH)
        tick = self.passage.grid.tick
        end, length = int(tick[step]) + ticks, ticks * self._held(ticks, rng)
        offset = self._time_at(int(tick[step]) + length) + onset - self.time[step]
        free = int(np.searchsorted(tick, end))
        offset = float(min(offset, self.time[free] if free < len(tick) else self._time_at(end)))
        return NoteEvent(onset, max(offset, onset + SHORTEST), key + LOW_PITCH, self._velocity(step, velocity, rng))

    def room(self, step: int) -> float:
        """By how many seconds a note may be early or late at a step."""
        return float(MOST_RESIDUAL * (self.time[step + 1] - self.time[step]))

    def _time_at(self, tick: float) -> float:
        return float(self.meter.tempo.positions_at(self.first_beat + tick / TICKS_PER_QUARTER))

    def _inside(self, onset: float, pitch: int) -> float:
        """The nearest time to ``onset`` at which a note of a pitch may begin."""
        spans = [(hole.onset, max(hole.onset, hole.offset - INSIDE)) for hole in self.holes if _holds(hole, pitch)]
        times = [min(max(onset, begin), end) for begin, end in spans]
        return float(min(times, key=lambda time: abs(time - onset), default=onset))

    def _held(self, ticks: int, rng: np.random.Generator) -> float:
        """Draw how many times its length a note is held, as notes of that length are around, or any."""
        alike = self.held[self.held[:, 0] == duration_class(np.array(ticks))]
        choices = alike if len(alike) >= FEWEST_HELD else self.held
        return float(rng.choice(choices[:, 1])) if len(choices) else 1.0

    def lateness(self, rng: np.random.Generator) -> float:
        """Draw by how much a chord comes late, in seconds."""
        return float(rng.choice(self.residual)) if len(self.residual) else 0.0

    def _velocity(self, step: int, written: int, rng: np.random.Generator) -> int:
        if not len(self.velocities):
            on_bar = self.passage.grid.within[step] == 0
            return int(USUAL_VELOCITY + ACCENT * on_bar + rng.integers(-3, 4))
        if self.velocities.std() < STEADY:
            return int(np.rint(self.velocities.mean()))
        low, high = self.velocities.min() - BEYOND, self.velocities.max() + BEYOND
        return int(np.clip(written + rng.integers(-7, 8), max(low, 1), min(high, 127)))


def place(
    meter: MeterMap,
    bars: tuple[Bar, ...],
    holes: tuple[Region, ...],
    now: tuple[float, float],
    given: NoteArray,
    locked: NoteArray = NOBODYS,
) -> Placement:
    """Cut out the passage of some bars.

    holes: all regions that are not written yet, of which those steps are asked for that lie in ``now``, in seconds.
    given: rows (onset s, offset s, pitch, velocity), sorted, of all notes that are known. locked: those of them that
    stay even in a hole, and whose loudness says nothing of the others'.
    """
    first_beat = bars[0].beat
    edges = np.rint((np.array([*(bar.beat for bar in bars), bars[-1].beat + bars[-1].beats]) - first_beat) * 24)
    length = np.maximum(np.diff(edges.astype(np.int64)), 1)
    end = float(meter.tempo.positions_at(bars[-1].beat + bars[-1].beats))
    begin = float(meter.tempo.positions_at(first_beat))
    rows = given[(given[:, 0] >= begin - SHORTEST) & (given[:, 0] < end)]
    beats = meter.tempo.beats_at(rows[:, :2]) - first_beat
    tick = beats * TICKS_PER_QUARTER
    grid = step_grid(
        length,
        np.array([bar.numerator for bar in bars]),
        np.array([bar.denominator for bar in bars]),
        triplets=has_triplets(tick[:, 0]),
        tempo=meter.tempo.tempo_at(begin),
        metred=meter.source != "none",
    )
    time = meter.tempo.positions_at(first_beat + np.append(grid.tick, length.sum()) / TICKS_PER_QUARTER)
    hidden = _cells(holes, time[:-1])
    nearest, key = grid.nearest(np.rint(tick[:, 0]).astype(np.int64)), rows[:, 2].astype(int) - LOW_PITCH
    is_locked = np.isin(_names(rows), _names(locked))
    in_hole = is_locked & (key >= 0) & (key < N_KEYS)
    hidden[nearest[in_hole], key[in_hole]] = False
    step = _outside(nearest, key, hidden)
    notes, kept = _rows(step, rows, tick)
    residual, spread = _residuals(step[kept], rows[kept, 0], time)
    asked = steps_in(time[:-1], now)
    passage = Passage(grid, notes, hidden, asked=asked)
    held = _holding(notes[:, 2], tick[kept, 1] - tick[kept, 0])
    own = rows if is_locked.all() else rows[~is_locked]
    if len(own) and own[:, 3].std() < STEADY:
        notes[:, 3] = 0  # typed as in a score, which the composer knows as music that says nothing of its loudness
    return Placement(passage, time, first_beat, meter, holes, residual, spread, held, own[:, 3])


def has_triplets(ticks: Doubles) -> bool:
    """Whether played onsets, in ticks from a beat on, lie on the places of triplets rather than between sixteenths."""
    places = np.array([*TRIPLETS, TICKS_PER_QUARTER])
    within = ticks % TICKS_PER_QUARTER
    distance = np.abs(within[:, None] - places)
    nearest = places[distance.argmin(1)]
    close = distance.min(1) < NEAR
    triplets = int((np.isin(nearest, BETWEEN) & close).sum())
    straight = int((np.isin(nearest, (6, 18)) & close).sum())
    return triplets >= FEWEST_TRIPLETS and triplets > straight


def _names(rows: NoteArray) -> Doubles:
    """A number for each note by which it is found again."""
    return rows[:, 0] * 128 + rows[:, 2]


def _holds(hole: Region, pitch: int) -> bool:
    return hole.low <= pitch <= hole.high


def _holding(ticks: Ints, played: Doubles) -> Doubles:
    """The class of each length and how many times so long it was ``played``, in ticks: (n, 2)."""
    classes = duration_class(ticks)
    return np.stack([classes, np.clip(played / DURATIONS[classes], *HELD)], 1)


def _cells(holes: tuple[Region, ...], time: Doubles) -> Bools:
    hidden = np.zeros((len(time), N_KEYS), bool)
    for hole in holes:
        inside = steps_in(time, (hole.onset, hole.offset))
        hidden[inside, hole.low - LOW_PITCH : hole.high - LOW_PITCH + 1] = True
    return hidden


def steps_in(time: Doubles, span: tuple[float, float]) -> Bools:
    """The steps in a span; where it lies between two, the nearer, if the span overlaps the passage."""
    begin, end = span
    inside = (time >= begin - 1e-3) & (time < end - 1e-3)
    if not inside.any() and len(time) and time[0] < end and begin <= time[-1]:
        inside[int(np.abs(time - begin).argmin())] = True
    return np.asarray(inside)


def _outside(step: Ints, key: Ints, hidden: Bools) -> Ints:
    """Move known notes off hidden cells to the step beside, -1 where there is no room."""
    inside = (key >= 0) & (key < N_KEYS)
    moved = np.where(inside, step, -1)
    for row in np.flatnonzero(inside & hidden[step, np.clip(key, 0, N_KEYS - 1)]):
        beside = [s for s in (step[row] - 1, step[row] + 1) if 0 <= s < len(hidden) and not hidden[s, key[row]]]
        moved[row] = beside[0] if beside else -1
    return moved


def _rows(step: Ints, rows: NoteArray, tick: Doubles) -> tuple[Ints, Ints]:
    """Known notes as rows of a passage, each cell once, and which rows they were."""
    kept = np.flatnonzero(step >= 0)
    key = rows[kept, 2].astype(np.int64) - LOW_PITCH
    _, first = np.unique(step[kept] * N_KEYS + key, return_index=True)
    kept = kept[first]
    ticks = np.maximum(np.rint(tick[kept, 1] - tick[kept, 0]), 1).astype(np.int64)
    notes = np.stack([step[kept], rows[kept, 2].astype(np.int64) - LOW_PITCH, ticks, rows[kept, 3].astype(np.int64)], 1)
    return notes, kept


def _residuals(step: Ints, onset: Doubles, time: Doubles) -> tuple[Doubles, Doubles]:
    """By how much chords come late, one value a step, and by how much notes differ from their chord."""
    if not len(step):
        return np.zeros(0), np.zeros(0)
    late = onset - time[step]
    near = np.abs(late) <= MOST_RESIDUAL * (time[step + 1] - time[step])  # others are written between the steps
    step, late = step[near], late[near]
    chords, which = np.unique(step, return_inverse=True)
    mean = np.bincount(which, late) / np.bincount(which)
    return mean[: len(chords)], late - mean[which]
