"""The bends of a request's notes: of those that glide, as FluidSynth plays them, and none of a piano's."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.asking import planned
from support.glides import CURVES, RATE, Times, scene, tone
from support.paths import ROOT

from diffroll_live.engine.bends import MOVES, BendReader
from diffroll_live.engine.features import Resampled
from diffroll_live.errors import Cancelled
from diffroll_live.files.audio_file import read_audio
from diffroll_live.files.sonify import sonify
from diffroll_live.turn_types import alone
from diffroll_live.types import AudioBuffer, Bend, NoteEvent, Options, Region, Request

CPU = torch.device("cpu")
MELODY = (("vibrato", 64), ("steady", 67), ("scoop", 72), ("glide", 57))
NOTES = tuple(NoteEvent(0.3 + 1.3 * at, 1.3 + 1.3 * at, pitch, 80) for at, (_, pitch) in enumerate(MELODY))


def sung(seconds: float = 6.0) -> AudioBuffer:
    sounds = [(note.onset, tone(note.pitch, CURVES[name])) for note, (name, _) in zip(NOTES, MELODY, strict=True)]
    return AudioBuffer("sung", scene(*sounds, seconds=seconds, noise=1e-4).astype(np.float32), RATE)


def bends(audio: AudioBuffer, notes: Iterable[NoteEvent], bend: str = "on", **given: object) -> tuple[Bend, ...]:
    request = Request("job", "transcribe", audio, options=Options(bend=bend), **given)  # type: ignore[arg-type]
    plan = planned(request)
    reader = BendReader(plan, Resampled(audio, RATE, CPU) if bend == "on" else None)
    return alone(None, reader.read([list(notes)]))  # type: ignore[arg-type]  # it asks for nothing


def curve(bend: Bend, at: Times) -> Times:
    return np.interp(at, *np.array(bend.points).T)


def test_notes_that_move_bend_and_others_do_not() -> None:
    found = {bend.note: bend for bend in bends(sung(), NOTES)}
    assert set(found) == {note for note, (name, _) in zip(NOTES, MELODY, strict=True) if name != "steady"}
    at = np.arange(0.06, 0.94, 0.01)
    for note, (name, _) in zip(NOTES, MELODY, strict=True):
        if note in found:
            assert np.abs(curve(found[note], at) - CURVES[name](at)).max() < 0.1


def test_they_are_the_same_at_another_rate() -> None:
    audio = sung()
    samples = np.repeat(audio.samples, 3)  # held, which adds nothing below the partials that are read
    other = bends(AudioBuffer("sung", samples, 3 * RATE), NOTES)
    at = np.arange(0.06, 0.94, 0.01)
    for first, second in zip(bends(audio, NOTES), other, strict=True):
        assert first.note == second.note
        np.testing.assert_allclose(curve(first, at), curve(second, at), atol=0.05)


def test_long_audio_is_read_in_pieces() -> None:
    late = [NoteEvent(note.onset + 40.0, note.offset + 40.0, note.pitch, 80) for note in NOTES]
    audio = sung()
    longer = AudioBuffer("long", np.concatenate([np.zeros(40 * RATE, np.float32), audio.samples]), RATE)
    points = [bend.points for bend in bends(audio, NOTES)]
    for first, second in zip(points, [bend.points for bend in bends(longer, late)], strict=True):
        np.testing.assert_allclose(np.array(first)[:, 1].mean(), np.array(second)[:, 1].mean(), atol=0.03)


def test_without_the_option_the_users_stay_and_nothing_is_read() -> None:
    known = Bend(NoteEvent(7.0, 8.0, 60, 80), ((0.0, 0.5),))
    given = {"known": (known.note,), "bends": (known,), "regions": (Region(0.0, 5.9, hear=True),)}
    assert bends(sung(9.0), NOTES, bend="off", **given) == (known,)
    assert known in bends(sung(9.0), NOTES, **given)


def test_a_whole_recording_out_of_tune_does_not_bend() -> None:
    sounds = [(0.3 + 1.1 * at, tone(60 + at, lambda t: 0 * t + 0.45)) for at in range(9)]
    notes = [NoteEvent(onset, onset + 1.0, 60 + at, 80) for at, (onset, _) in enumerate(sounds)]
    assert not bends(AudioBuffer("flat", scene(*sounds, seconds=11.0).astype(np.float32), RATE), notes)


def test_a_reading_can_be_cancelled() -> None:
    audio = sung()
    reader = BendReader(planned(Request("job", "transcribe", audio)), Resampled(audio, RATE, CPU))

    def check() -> None:
        raise Cancelled("It is no longer wanted.")

    with pytest.raises(Cancelled):
        alone(None, reader.read([NOTES], check))  # type: ignore[arg-type]


def test_the_clip_of_a_piano_does_not_bend() -> None:
    audio = read_audio(ROOT / "examples" / "clip.flac", 0.0, None, max_seconds=60.0)
    with (ROOT / "examples" / "clip.csv").open() as file:
        rows = [[float(cell) for cell in row[:4]] for row in csv.reader(file) if row[0][:1].isdigit()]
    notes = [NoteEvent(onset, offset, int(pitch), int(velocity)) for onset, offset, pitch, velocity in rows]
    assert len(notes) > 50
    assert not bends(audio, notes)


def test_what_fluidsynth_bends_is_read_again(tmp_path: Path) -> None:
    """Through an MPE file, a real instrument and its decay: a melody of a piano, every other note of which glides."""
    notes = [NoteEvent(0.2 + 0.9 * at, 1.0 + 0.9 * at, 57 + 3 * (at % 5), 90) for at in range(8)]
    points = ((0.0, 0.0), (0.2, 0.0), (0.5, 1.0), (0.8, 0.6))
    played = [Bend(note, points) for note in notes[::2]]
    assert sonify(tmp_path / "bent.wav", notes, bends=played) == "fluidsynth"
    heard = bends(read_audio(tmp_path / "bent.wav", 0.0, None, max_seconds=60.0), notes)
    assert [bend.note for bend in heard] == notes[::2]
    at = np.arange(0.1, 0.7, 0.01)
    for bend, truth in zip(heard, played, strict=True):
        assert np.median(np.abs(curve(bend, at) - curve(truth, at))) < 0.1
        assert np.abs(curve(bend, at) - curve(truth, at)).max() < MOVES
