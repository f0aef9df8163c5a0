"""Bends that are read from sounds whose curves are known, alone, in noise, and among other notes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.glides import CURVES, RATE, Times, scene, tone

from diffroll_live.model.bending import MOST, STEP, Readings, read_bends

ONSET, LENGTH = 0.5, 1.0  # s of the notes here
EDGE = 0.05  # s at both ends of a note, where a reading is held


def read(sound: Times, *notes: tuple[float, float, int], begin: float = 0.0) -> list[Readings | None]:
    rows = np.array([(*note, 80) for note in notes], float)
    return read_bends(torch.from_numpy(sound.astype(np.float32)), RATE, rows, np.ones(len(rows), bool), begin)


def cents(readings: Readings | None, name: str) -> Times:
    """How far readings are from a curve, in cents, without the edges."""
    assert readings is not None
    t = np.arange(len(readings)) * STEP
    inside = (t >= EDGE) & (t <= t[-1] - EDGE)
    return 100 * np.abs(readings - CURVES[name](t))[inside]


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("pitch", [40, 52, 57, 64, 69, 76, 84, 96])
def test_a_curve_is_read_to_a_few_cents(pitch: int, name: str, noise: float) -> None:
    sound = scene((ONSET, tone(pitch, CURVES[name])), seconds=2.0, noise=noise)
    (readings,) = read(sound, (ONSET, ONSET + LENGTH, pitch))
    worst = 20 if name == "vibrato" and pitch < 48 else 10 if name in ("vibrato", "scoop") else 4
    assert cents(readings, name).max() < worst


def test_a_note_without_its_fundamental_is_read_by_its_other_partials() -> None:
    low = tone(57, CURVES["vibrato"]) - tone(57, CURVES["vibrato"], n_partials=1)
    (readings,) = read(scene((ONSET, low), seconds=2.0), (ONSET, ONSET + LENGTH, 57))
    assert cents(readings, "vibrato").max() < 10


def test_a_melody_bends_above_a_chord_that_does_not() -> None:
    held = [(ONSET, tone(pitch, CURVES["steady"], n_partials=3, level=0.05)) for pitch in (48, 52)]
    sound = scene((ONSET, tone(81, CURVES["vibrato"], n_partials=4)), *held, seconds=2.0)
    notes = [(ONSET, ONSET + LENGTH, pitch) for pitch in (81, 48, 52)]
    readings = read(sound, *notes)
    assert readings[0] is None or cents(readings[0], "vibrato").max() < 15
    assert all(row is None or np.ptp(row) < 0.1 for row in readings[1:])


@pytest.mark.parametrize("other", [45, 56, 58, 59, 69])
def test_what_another_note_disturbs_is_said_rightly_or_not_at_all(other: int) -> None:
    """At a semitone or two, and where the other note's partials lie on its own."""
    sound = scene((ONSET, tone(57, CURVES["steady"])), (ONSET, tone(other, CURVES["glide"])), seconds=2.0)
    first, second = read(sound, (ONSET, ONSET + LENGTH, 57), (ONSET, ONSET + LENGTH, other))
    assert first is None or cents(first, "steady").max() < 10
    assert second is None or cents(second, "glide").max() < 10


@pytest.mark.parametrize("level", [0.0, 0.05])
def test_nothing_is_said_of_a_note_that_is_not_there(level: float) -> None:
    assert read(scene(seconds=2.0, noise=level), (ONSET, ONSET + LENGTH, 60)) == [None]


def test_nothing_is_said_of_a_note_that_is_too_short() -> None:
    assert read(scene((ONSET, tone(60, CURVES["glide"])), seconds=2.0), (ONSET, ONSET + 0.05, 60)) == [None]


def test_no_reading_is_beyond_two_semitones() -> None:
    sound = scene((ONSET, tone(60, lambda t: 3.0 * (t - 0.5))), seconds=2.0)
    (readings,) = read(sound, (ONSET, ONSET + LENGTH, 60))
    assert readings is None or np.abs(readings).max() <= MOST


def test_notes_are_timed_from_where_the_audio_begins() -> None:
    sound = scene((ONSET, tone(64, CURVES["glide"])), seconds=2.0)
    (readings,) = read(sound, (30 + ONSET, 30 + ONSET + LENGTH, 64), begin=30.0)
    assert cents(readings, "glide").max() < 4


def test_many_notes_are_read_as_each_alone() -> None:
    names = list(CURVES)
    sounds = [(ONSET + 1.5 * at, tone(60 + at, CURVES[name])) for at, name in enumerate(names)]
    notes = [(onset, onset + LENGTH, 60 + at) for at, (onset, _) in enumerate(sounds)]
    together = read(scene(*sounds, seconds=8.0), *notes)
    for note, sound, readings in zip(notes, sounds, together, strict=True):
        (alone,) = read(scene(sound, seconds=8.0), note)
        assert readings is not None
        assert alone is not None
        np.testing.assert_allclose(readings, alone, atol=0.01)


def test_of_no_notes_nothing_is_read() -> None:
    assert read_bends(torch.zeros(RATE), RATE, np.zeros((0, 4)), np.zeros(0, bool)) == []
