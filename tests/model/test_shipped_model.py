"""Tests of the weights that ship: they follow a recording, fill a hole, and are silent in silence."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from support.asking import ask, noise, silence
from support.paths import EXAMPLES

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.loading import load_engine
from diffroll_live.evaluation.scores import score
from diffroll_live.files.audio_file import read_audio
from diffroll_live.model.roll_targets import NoteArray, to_array
from diffroll_live.types import QUALITIES, AudioBuffer, NoteEvent, Options, Quality, Region, Request


@pytest.fixture(scope="module")
def engine() -> TorchEngine:
    return load_engine("compact", "cpu", warm=False)


@pytest.fixture(scope="module")
def clip() -> AudioBuffer:
    return read_audio(EXAMPLES / "clip.flac")


@pytest.fixture(scope="module")
def played() -> NoteArray:
    with (EXAMPLES / "clip.csv").open(newline="") as handle:
        return np.array([list(map(float, row)) for row in list(csv.reader(handle))[1:]])


def notes_of(engine: TorchEngine, request: Request) -> tuple[NoteEvent, ...]:
    return ask(engine, request).variations[0]


@pytest.mark.slow
@pytest.mark.parametrize("quality", QUALITIES)
def test_it_follows_a_piano_that_training_never_heard(
    engine: TorchEngine, clip: AudioBuffer, played: NoteArray, quality: Quality
) -> None:
    notes = to_array(notes_of(engine, Request("clip", "transcribe", clip, options=Options(quality=quality))))
    scores = score([notes], [played])
    assert scores.onset >= 0.75
    assert scores.recall >= 0.9
    assert scores.onset_error <= 0.01


@pytest.mark.slow
def test_a_tenth_of_the_level_and_another_rate_are_the_same_music(
    engine: TorchEngine, clip: AudioBuffer, played: NoteArray
) -> None:
    quiet = replace(clip, samples=clip.samples * 0.1)
    assert score([to_array(notes_of(engine, Request("quiet", "transcribe", quiet)))], [played]).onset >= 0.7
    twice = AudioBuffer("twice", np.repeat(clip.samples, 2), clip.sample_rate * 2)
    assert score([to_array(notes_of(engine, Request("twice", "transcribe", twice)))], [played]).onset >= 0.7


@pytest.mark.slow
@pytest.mark.parametrize(
    "audio", [silence(30.0), noise(30.0, level=0.001), noise(30.0, level=0.03)], ids=["silence", "hush", "hiss"]
)
def test_it_invents_nothing(engine: TorchEngine, audio: AudioBuffer) -> None:
    assert notes_of(engine, Request("nothing", "transcribe", audio)) == ()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_it_writes_music_where_there_is_none(engine: TorchEngine, clip: AudioBuffer, seed: int) -> None:
    options = Options(seed=seed, seconds=4.0)
    hole = Region(8.0, 10.0)
    fill = notes_of(engine, Request("fill", "inpaint", clip, (hole,), options=options))
    following = notes_of(engine, Request("next", "continue", clip, options=options))
    new = notes_of(engine, Request("new", "generate", None, options=options))
    assert 3 <= len(fill) <= 60
    assert 4 <= len(following) <= 120
    assert 2 <= len(new) <= 120
    assert all(hole.onset <= note.onset < hole.offset for note in fill)  # they may ring into what follows
    assert np.median([note.duration for note in (*fill, *following, *new)]) >= 0.06


@pytest.mark.slow
def test_a_piece_from_nothing_does_not_go_round_in_circles(engine: TorchEngine) -> None:
    shares = []
    for seed in range(1, 4):
        notes = notes_of(engine, Request("new", "generate", None, options=Options(seed=seed, seconds=32.0)))
        tops: dict[float, int] = {}
        for note in notes:
            tops[round(note.onset, 2)] = max(note.pitch, tops.get(round(note.onset, 2), 0))
        line = [tops[onset] for onset in sorted(tops)]
        figures = [tuple(line[at : at + 4]) for at in range(len(line) - 3)]
        shares.append(len(set(figures)) / len(figures))
    assert np.mean(shares) >= 0.6  # of what it wrote as it does amid music, seven of ten were repeated


@pytest.mark.slow
def test_a_fill_stays_near_the_key_of_its_surroundings(engine: TorchEngine, clip: AudioBuffer) -> None:
    white_keys = {0, 2, 4, 5, 7, 9, 11}  # the clip is in C major
    fills = [
        notes_of(engine, Request("fill", "inpaint", clip, (Region(8.0, 10.0),), options=Options(seed=seed)))
        for seed in range(6)
    ]
    pitches = [note.pitch % 12 for fill in fills for note in fill]
    assert np.mean([pitch in white_keys for pitch in pitches]) >= 0.75  # by chance 7 of 12
