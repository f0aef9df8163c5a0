"""The notes of the fake Live, and how it checks arguments: what Boost.Python refuses is a TypeError here."""

from __future__ import annotations

import math


def check(value, kinds, what):
    wanted_bool = kinds is bool
    if not isinstance(value, kinds) or (isinstance(value, bool) and not wanted_bool):
        raise TypeError(f"{what} must be {kinds}, not {value!r}")


class MidiNoteSpecification:
    def __init__(
        self,
        pitch,
        start_time,
        duration,
        velocity=100.0,
        mute=False,
        probability=1.0,
        velocity_deviation=0.0,
        release_velocity=64.0,
    ):
        check(pitch, int, "pitch")
        for value in (start_time, duration, velocity, probability, velocity_deviation, release_velocity):
            check(value, (int, float), "number")
            if not math.isfinite(value):
                raise RuntimeError("not finite")
        check(mute, bool, "mute")
        if not 0 <= pitch <= 127 or duration <= 0 or not 0 <= velocity <= 127:
            raise RuntimeError("invalid note")
        self.__dict__.update(
            pitch=pitch,
            start_time=float(start_time),
            duration=float(duration),
            velocity=float(velocity),
            mute=mute,
            probability=probability,
            velocity_deviation=velocity_deviation,
            release_velocity=release_velocity,
        )


class MidiNote:
    """What Live hands out: a copy, to be changed without effect."""

    def __init__(self, note_id, values):
        self.note_id = note_id
        self.__dict__.update(values)


class WarpMarker:
    def __init__(self, sample_time, beat_time):
        self.sample_time, self.beat_time = sample_time, beat_time


def cut(notes, new):
    """A new note ends what sounds on its pitch, and replaces what starts within it, as Live has it."""
    for key, old in list(notes.items()):
        if old["start_time"] < new.start_time < old["start_time"] + old["duration"]:
            notes[key] = dict(old, duration=new.start_time - old["start_time"])
        elif new.start_time <= old["start_time"] < new.start_time + new.duration:
            del notes[key]
