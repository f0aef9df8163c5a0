"""Sound of the right pitch, at the right time, from both synths."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import soundfile

from diffroll_live.errors import FileError
from diffroll_live.files import sonify as room
from diffroll_live.files.sonify import SAMPLE_RATE, additive, find_fluidsynth, find_sound_font, sonify
from diffroll_live.types import NoteEvent

NOTES = (NoteEvent(0.5, 1.5, 69, 100), NoteEvent(2.0, 2.5, 57, 60))


def loudness(samples: np.ndarray, start: float, stop: float) -> float:
    return float(np.sqrt(np.mean(samples[round(start * SAMPLE_RATE) : round(stop * SAMPLE_RATE)] ** 2)))


def fundamental(samples: np.ndarray, start: float, stop: float) -> float:
    stretch = samples[round(start * SAMPLE_RATE) : round(stop * SAMPLE_RATE)]
    spectrum = np.abs(np.fft.rfft(stretch * np.hanning(len(stretch))))
    return float(np.argmax(spectrum) * SAMPLE_RATE / len(stretch))


def check(samples: np.ndarray) -> None:
    assert loudness(samples, 0, 0.4) < 1e-3
    assert loudness(samples, 0.5, 1.0) > 10 * loudness(samples, 0, 0.4)
    assert fundamental(samples, 0.6, 1.2) == pytest.approx(440, rel=0.01)
    assert fundamental(samples, 2.05, 2.5) == pytest.approx(220, rel=0.01)


def test_fluidsynth_sounds_the_notes(tmp_path):
    assert find_fluidsynth()
    assert find_sound_font()
    assert sonify(tmp_path / "a.wav", NOTES) == "fluidsynth"
    samples, rate = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
    assert rate == SAMPLE_RATE
    check(samples.mean(axis=1))


def test_without_fluidsynth_the_built_in_synth_does(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(room, "find_fluidsynth", lambda: None)
    with caplog.at_level(logging.WARNING):
        assert sonify(tmp_path / "a.wav", NOTES) == "built-in"
    assert "FluidSynth was not found" in caplog.text
    samples, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == SAMPLE_RATE
    check(samples)


def test_a_named_sound_font_that_is_missing_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFROLL_SOUNDFONT", str(tmp_path / "none.sf2"))
    assert find_sound_font() is None


@pytest.mark.parametrize(
    "notes", [(), (NoteEvent(0, 0.001, 21, 1),), (NoteEvent(0, 5, 108, 127), NoteEvent(0, 5, 108, 127))]
)
def test_the_built_in_synth_stays_within_bounds(notes):
    samples = additive(notes)
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert np.abs(samples).max(initial=0) <= 0.81


@pytest.mark.parametrize("found", [True, False])
def test_a_place_that_cannot_be_written_is_said(tmp_path, monkeypatch, found):
    if not found:
        monkeypatch.setattr(room, "find_fluidsynth", lambda: None)
    with pytest.raises(FileError, match="choose another place"):
        sonify(tmp_path / "nowhere" / "a.wav", NOTES)
