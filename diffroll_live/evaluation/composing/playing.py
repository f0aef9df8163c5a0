"""Score time in seconds: exactly as written, or played with a tempo that bends and hands that are not quite even."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from diffroll_live.composer.vocabulary import TICKS_PER_QUARTER
from diffroll_live.evaluation.composing.excerpts import Excerpt
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.meter.tempo_map import Doubles, TempoChange, TempoMap
from diffroll_live.model.roll_targets import NoteArray

PHRASE = 4  # bars, over which the tempo rises and falls
SWELL, DRIFT, SLOWING = 0.06, 0.03, 0.12  # of the logarithm of the tempo; the last in the last bar of a phrase
CHORD_LATE, NOTE_LATE = 0.006, 0.004  # s, standard deviations
TYPED = 64  # the velocity of notes that have none
ACCENT, UNEVEN = 8.0, 5.0  # of played velocities, on a bar line, and at random
PLAYED_SEED = 1


@dataclass(frozen=True, slots=True)
class Playing:
    """How ticks fall on seconds. ``late`` holds what each note of the excerpt is moved by, (n_notes,) s."""

    meter: MeterMap
    late: Doubles
    velocity: Doubles

    def seconds(self, ticks: float) -> float:
        """When a tick falls."""
        return self.meter.tempo.position_at(ticks / TICKS_PER_QUARTER)

    def given(self, excerpt: Excerpt) -> NoteArray:
        """The notes of the excerpt as they are played: rows (onset s, offset s, pitch, velocity)."""
        rows = self.sounding(excerpt.notes)
        rows[:, :2] = np.maximum(rows[:, :2] + self.late[:, None], 0.0)
        rows[:, 3] = self.velocity
        return rows

    def sounding(self, rows: NoteArray) -> NoteArray:
        """Rows in ticks as rows in seconds, exactly in time; TYPED where there is no velocity."""
        out = rows.copy()
        out[:, :2] = self.meter.tempo.positions_at(rows[:, :2] / TICKS_PER_QUARTER)
        out[:, 3] = np.where(rows[:, 3] > 0, rows[:, 3], TYPED)
        return out

    def ticks(self, rows: NoteArray) -> NoteArray:
        """Rows in seconds as rows in ticks, with their fractions."""
        out = rows.copy()
        out[:, :2] = self.meter.tempo.beats_at(rows[:, :2]) * TICKS_PER_QUARTER
        return out


def as_written(excerpt: Excerpt) -> Playing:
    """Exactly as in the score."""
    velocity = np.where(excerpt.notes[:, 3] > 0, excerpt.notes[:, 3], TYPED)
    return Playing(excerpt.meter(), np.zeros(len(velocity)), velocity)


def as_played(excerpt: Excerpt, seed: int) -> Playing:
    """With rubato, chords that are a little late or spread, and accents where the score has no velocities."""
    rng = np.random.default_rng([seed, PLAYED_SEED])
    meter = excerpt.meter()
    beats = np.arange(int(np.ceil(excerpt.lines[-1] / TICKS_PER_QUARTER)) + 1)
    tempi = excerpt.tempo * np.exp(_bend(excerpt, np.asarray(beats * TICKS_PER_QUARTER, float), rng))
    times = np.concatenate([[0.0], np.cumsum(60.0 / tempi[:-1])])
    changes = tuple(TempoChange(t, bpm) for t, bpm in zip(times.tolist(), tempi.tolist(), strict=True))
    _, chord = np.unique(excerpt.notes[:, 0], return_inverse=True)
    late = rng.normal(0, CHORD_LATE, chord.max(initial=0) + 1)[chord] + rng.normal(0, NOTE_LATE, len(chord))
    on_line = np.isin(excerpt.notes[:, 0], excerpt.lines)
    played = np.clip(TYPED + ACCENT * on_line + rng.normal(0, UNEVEN, len(chord)), 1, 127)
    velocity = np.rint(np.where(excerpt.notes[:, 3] > 0, excerpt.notes[:, 3], played))
    return Playing(replace(meter, tempo=TempoMap(changes)), late, velocity)


def _bend(excerpt: Excerpt, ticks: Doubles, rng: np.random.Generator) -> Doubles:
    """The logarithm of how much faster than the tempo it goes at each of these ticks."""
    bar = excerpt.bar_of(ticks)
    place = (bar + (ticks - excerpt.lines[bar]) / np.diff(excerpt.lines)[bar]) / PHRASE
    drift = np.convolve(rng.normal(0, DRIFT, len(ticks) + 4), np.ones(5) / 5**0.5, "valid")
    last_bar = np.clip((place % 1.0) * PHRASE - (PHRASE - 1), 0.0, 1.0)
    return SWELL * np.sin(np.pi * (place % 1.0)) - SWELL / 2 + drift - SLOWING * last_bar**2
