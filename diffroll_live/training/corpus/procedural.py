"""Notes made by rules, so that a network does not only learn to expect what is in a corpus.

Each generator fills ``seconds`` with rows (onset s, offset s, pitch, velocity); all randomness comes from ``rng``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH

MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
MINOR = np.array([0, 2, 3, 5, 7, 8, 10])


def _rows(onset: NoteArray, duration: NoteArray, pitch: npt.NDArray[Any], velocity: NoteArray) -> NoteArray:
    rows = np.stack([onset, onset + np.maximum(duration, 0.04), np.rint(pitch), np.clip(velocity, 8, 127)], axis=1)
    return rows[(rows[:, 2] >= LOW_PITCH) & (rows[:, 2] <= HIGH_PITCH)]


def atonal(rng: np.random.Generator, seconds: float) -> NoteArray:
    """Scatter notes at random: 1 to 14 per second, any pitch, long and short."""
    n = rng.poisson(rng.uniform(1, 14) * seconds)
    duration = np.exp(rng.normal(np.log(rng.uniform(0.1, 0.8)), 0.7, n))
    pitch = rng.normal(rng.uniform(45, 78), rng.uniform(6, 20), n)
    return _rows(rng.uniform(0, seconds, n), duration, pitch, rng.normal(rng.uniform(40, 95), 18, n))


def clusters(rng: np.random.Generator, seconds: float) -> NoteArray:
    """Strike close and spread chords, nearly simultaneously."""
    onset = np.cumsum(rng.exponential(rng.uniform(0.25, 1.0), int(seconds * 6)))
    onset = onset[onset < seconds]
    size = rng.integers(2, 8, len(onset))
    base = rng.uniform(30, 90, len(onset)).repeat(size)
    spread = rng.choice([1.5, 4.0, 9.0])
    count = len(base)
    pitch = base + rng.normal(0, spread, count)
    start = onset.repeat(size) + np.abs(rng.normal(0, 0.008, count))
    duration = rng.uniform(0.1, 1.5, len(onset)).repeat(size)
    return _rows(start, duration, pitch, rng.normal(70, 18, len(onset)).repeat(size) + rng.normal(0, 5, count))


def repeats(rng: np.random.Generator, seconds: float) -> NoteArray:
    """Repeat and trill notes at 4 to 14 per second, with accents."""
    parts = []
    for _ in range(rng.integers(1, 4)):
        begin, length = rng.uniform(0, seconds * 0.7), rng.uniform(0.5, seconds)
        step = 1 / rng.uniform(4, 14)
        onset = begin + step * np.arange(int(length / step)) + rng.normal(0, 0.004, int(length / step))
        interval = rng.choice([0, 0, 1, 2, 12])
        pitch = rng.integers(30, 96) + interval * (np.arange(len(onset)) % 2)
        velocity = rng.uniform(40, 100) + rng.normal(0, 8, len(onset))
        parts.append(_rows(onset, np.full(len(onset), step * rng.uniform(0.5, 1.0)), pitch, velocity))
    rows = np.concatenate(parts)
    return rows[(rows[:, 0] >= 0) & (rows[:, 0] < seconds)]


def tonal(rng: np.random.Generator, seconds: float) -> NoteArray:
    """Play a melody over broken or block chords in a key, on a grid with slightly loose timing."""
    scale = (MAJOR if rng.random() < 0.5 else MINOR) + rng.integers(0, 12)
    beat = 60 / rng.uniform(60, 160)
    n_beats = int(seconds / beat) + 1
    root = rng.choice([0, 3, 4, 5, 1], n_beats // 2 + 1).repeat(2)[:n_beats]
    grid = beat / rng.choice([1, 2, 3, 4])
    steps = np.arange(int(seconds / grid))
    walk = 35 + np.cumsum(rng.integers(-2, 3, len(steps)))
    walk = np.clip(walk + rng.integers(-3, 8), 25, 50)
    played = rng.random(len(steps)) < rng.uniform(0.5, 0.95)
    melody = 12 * (walk // 7) + scale[walk % 7]
    lengths = rng.uniform(0.5, 1.1) * grid
    parts = [
        _rows(steps[played] * grid, np.full(played.sum(), lengths), melody[played], rng.normal(80, 12, played.sum()))
    ]
    for voice, degree in enumerate((0, 2, 4, 7)[: rng.integers(1, 5)]):
        tone = root + degree + 7 * rng.integers(2, 4)
        onset = np.arange(n_beats) * beat + (voice * grid if rng.random() < 0.5 else 0.0)
        chord = 12 * (tone // 7 + 1) + scale[tone % 7]
        parts.append(_rows(onset, np.full(n_beats, beat * rng.uniform(0.4, 1.2)), chord, rng.normal(60, 10, n_beats)))
    rows = np.concatenate(parts)
    rows[:, :2] += rng.normal(0, 0.01, len(rows))[:, None]
    return rows[rows[:, 0] < seconds]


def octaves(rng: np.random.Generator, seconds: float) -> NoteArray:
    """Strike notes with or without the octave and the twelfth above or below them, at all differences of level."""
    onset = np.cumsum(rng.exponential(rng.uniform(0.15, 0.7), int(seconds * 8)))
    onset = onset[onset < seconds]
    count = len(onset)
    pitch = rng.integers(24, 84, count).astype(float)
    velocity, duration = rng.uniform(25, 115, count), np.exp(rng.normal(np.log(0.5), 0.7, count))
    parts = [_rows(onset, duration, pitch, velocity)]
    for interval, share in ((12, 0.4), (19, 0.2), (24, 0.1), (-12, 0.2)):
        too = rng.random(count) < share
        late = np.where(rng.random(count) < 0.7, rng.normal(0, 0.006, count), rng.uniform(0.05, 0.5, count))
        level = velocity + rng.uniform(-60, 30, count)
        parts.append(_rows(onset[too] + late[too], duration[too], pitch[too] + interval, level[too]))
    rows = np.concatenate(parts)
    return rows[(rows[:, 0] >= 0) & (rows[:, 0] < seconds)]


def bass(rng: np.random.Generator, seconds: float) -> NoteArray:
    """Play a bass line below C3, single notes or octaves, often under a few notes of a right hand."""
    step = rng.uniform(0.2, 0.9)
    onset = np.arange(0, seconds, step)
    onset = np.clip(onset + rng.normal(0, 0.01, len(onset)), 0, None)
    walk = np.clip(rng.integers(24, 44) + np.cumsum(rng.integers(-5, 6, len(onset))), LOW_PITCH, 47)
    level = rng.normal(rng.uniform(35, 95), 12, len(onset))
    held = np.full(len(onset), step * rng.uniform(0.3, 1.5))
    parts = [_rows(onset, held, walk, level)]
    if rng.random() < 0.4:
        parts.append(_rows(onset + np.abs(rng.normal(0, 0.008, len(onset))), held, walk + 12, level - 10))
    if rng.random() < 0.7:
        above = atonal(rng, seconds)
        parts.append(above[above[:, 2] >= 52])
    rows = np.concatenate(parts)
    return rows[rows[:, 0] < seconds]


#: The generators.
MAKERS: dict[str, Callable[[np.random.Generator, float], NoteArray]] = {
    "atonal": atonal,
    "bass": bass,
    "clusters": clusters,
    "octaves": octaves,
    "repeats": repeats,
    "tonal": tonal,
}
