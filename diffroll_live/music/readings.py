"""Which of several readings of a beat is meant: twice or half as fast, in threes, or begun between two beats.

Each reading gets a score that is linear in a few features. The weights are those of script/fit-readings, with which the
chosen readings of played passages come closest to the notated beats. NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.meter.tempo_map import Doubles

FACTORS = (1.0, 0.5, 2.0, 2 / 3, 1.5)  # of the length of a beat
SHIFTS, SHIFTS_OF_OTHERS = (0.0, 0.5, 0.25, 0.75), (0.0, 0.5)  # of a beat
SHORTEST, LONGEST = 0.22, 1.7  # s, of a beat
TOGETHER = 0.03  # s within which notes are a chord
AROUND = 0.3  # s within which a bass is the lowest note
LOW, LONG = 0.35, 0.7  # quantiles of pitch and of length
NEAR, NEAR_SHARE = 0.035, (0.04, 0.12)  # s, and its bounds as a share of a beat, that a note may lie beside it
PARTS = (3, 4)  # of a beat
USUAL_BEAT, USUAL_NOTES = 0.65, 3.0  # s; notes a beat
WEIGHTS = np.array([5.04, 6.16, -1.06, 1.4, -2.12, 0.79, -1.24, 3.01, -5.29, 1.42])

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Struck:
    """Notes as a listener hears them, (n,) each: when, with how many others, whether long, whether the bass."""

    onset: Doubles
    together: Doubles
    is_long: Bools
    is_bass: Bools


def struck(notes: Doubles) -> Struck:
    """Hear ``notes``, rows of onset, offset (s), pitch and velocity, sorted by onset."""
    onset, length, pitch = notes[:, 0], notes[:, 1] - notes[:, 0], notes[:, 2]
    chord = np.cumsum(np.append(False, np.diff(onset) > TOGETHER))
    is_bass = (pitch <= np.quantile(pitch, LOW)) & (pitch <= _lowest_near(onset, pitch))
    return Struck(onset, np.bincount(chord)[chord].astype(float), length >= np.quantile(length, LONG), is_bass)


def _lowest_near(onset: Doubles, pitch: Doubles) -> Doubles:
    """The lowest pitch that is struck within AROUND of each note."""
    lowest = pitch.copy()
    for step in range(1, len(onset)):
        near = onset[step:] - onset[:-step] < AROUND
        if not near.any():
            break
        lowest[step:] = np.where(near, np.minimum(lowest[step:], pitch[:-step]), lowest[step:])
        lowest[:-step] = np.where(near, np.minimum(lowest[:-step], pitch[step:]), lowest[:-step])
    return lowest


def shifted(beats: Doubles, factor: float) -> Iterator[Doubles]:
    """Beats, and those that begin between them; ``factor`` is theirs."""
    yield beats
    for shift in (SHIFTS if factor == 1.0 else SHIFTS_OF_OTHERS)[1:]:
        yield np.interp(np.arange(len(beats) - 1) + shift, np.arange(len(beats)), beats)


def meant(readings: list[Doubles], notes: Doubles) -> Doubles:
    """The likeliest of several readings, at least one, of notes as of ``struck``."""
    heard = struck(notes)
    return max(readings, key=lambda beats: float(features(heard, beats) @ WEIGHTS))


def features(heard: Struck, beats: Doubles) -> Doubles:
    """What speaks for a reading, (10,): bass, long notes and chords on beats, a usual pace, a steady one, a close fit.

    What speaks against it counts as well: long notes between beats, paces and densities that are rare.
    """
    length = float(np.median(np.diff(beats)))
    places = along(beats, heard.onset) % 1.0
    near = min(max(NEAR / length, NEAR_SHARE[0]), NEAR_SHARE[1])
    on, between = np.minimum(places, 1.0 - places) < near, np.abs(places - 0.5) < near
    pace = np.log2(length / USUAL_BEAT)
    density = np.log2(len(heard.onset) / len(beats) / USUAL_NOTES)
    return np.array(
        [
            _share(on, heard.is_bass),
            _share(on, heard.is_long),
            _share(between, heard.is_long),
            pace,
            pace**2,
            density,
            density**2,
            heard.together[on].mean() / heard.together.mean() if on.any() else 0.0,
            10.0 * np.std(np.diff(np.log2(np.diff(beats)))),
            closeness(places, PARTS),
        ]
    )


def closeness(places: Doubles, parts: tuple[int, ...]) -> float:
    """How closely places, in beats, lie on one of these parts of a beat: 1 on it, near 0 where they lie anywhere."""
    return max(float(abs(np.exp(2j * np.pi * part * places).mean())) for part in parts)


def along(beats: Doubles, times: Doubles) -> Doubles:
    """Times in seconds as numbers of beats, with their fractions; before the first and after the last as beside it."""
    places: Doubles = np.interp(times, beats, np.arange(len(beats)))
    places += np.minimum(times - beats[0], 0.0) / (beats[1] - beats[0])
    places += np.maximum(times - beats[-1], 0.0) / (beats[-1] - beats[-2])
    return places


def _share(chosen: Bools, of: Bools) -> float:
    return float((chosen & of).sum() / max(of.sum(), 1))
