"""Audio files of every kind to buffers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diffroll_live.errors import AudioError, FileError, FileMissing, TooLarge
from diffroll_live.files.audio_file import read_audio

RATE = 22_050


@pytest.fixture
def tone() -> np.ndarray:
    """(n_frames, 2): different channels, so that a downmix shows."""
    t = np.arange(2 * RATE) / RATE
    return np.stack([0.5 * np.sin(2 * np.pi * 440 * t), 0.25 * np.sin(2 * np.pi * 440 * t)], axis=1)


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [("wav", 1e-4), ("flac", 1e-4), ("ogg", 0.05), ("mp3", 0.05), ("aiff", 1e-4)]
)
def test_formats_are_read_as_mono(tmp_path, tone, suffix, tolerance):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone, RATE)
    audio = read_audio(path)
    assert (audio.name, audio.sample_rate, audio.samples.dtype) == ("tone", RATE, np.float32)
    assert audio.seconds == pytest.approx(2.0, abs=0.1)
    middle = slice(RATE // 2, RATE)
    assert np.abs(audio.samples[middle] - tone.mean(axis=1)[middle]).max() < tolerance


def test_a_stretch_is_read(tmp_path, tone):
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone, RATE, subtype="FLOAT")
    audio = read_audio(path, 0.5, 0.25, name="x", origin=3.0)
    np.testing.assert_allclose(audio.samples, tone.mean(axis=1)[RATE // 2 : RATE // 2 + len(audio.samples)], atol=1e-6)
    assert len(audio.samples) == round(0.25 * RATE)
    assert (audio.name, audio.origin) == ("x", 3.0)
    assert read_audio(path, 1.5, 99.0).seconds == pytest.approx(0.5)


def test_many_channels_and_long_files_are_read_in_blocks(tmp_path):
    samples = np.random.default_rng(0).uniform(-1, 1, (600_000, 8)).astype(np.float32)
    path = tmp_path / "eight.wav"
    soundfile.write(path, samples, 48_000, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(path).samples, samples.mean(axis=1), atol=1e-6)


def damage(path: Path, kind: str, tone: np.ndarray) -> Path:
    if kind == "no audio":
        path.write_bytes(b"RIFF nothing of the kind" * 10)
    elif kind == "empty file":
        path.write_bytes(b"")
    elif kind == "truncated wav":
        soundfile.write(path, tone, RATE)
        path.write_bytes(path.read_bytes()[:-1000])
    elif kind == "truncated header":
        soundfile.write(path, tone, RATE)
        path.write_bytes(path.read_bytes()[:30])
    elif kind == "truncated flac":
        path = path.with_suffix(".flac")
        soundfile.write(path, tone, RATE)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "no samples":
        soundfile.write(path, tone[:0], RATE)
    elif kind == "not finite":
        bad = tone.copy()
        bad[100, 1] = np.nan
        soundfile.write(path, bad, RATE, subtype="FLOAT")
    elif kind == "low rate":
        soundfile.write(path, tone, 100)
    elif kind == "high rate":
        soundfile.write(path, tone, 10_000_000)
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "no audio",
        "empty file",
        "truncated wav",
        "truncated header",
        "truncated flac",
        "no samples",
        "not finite",
        "low rate",
        "high rate",
    ],
)
def test_damaged_files_are_refused_with_a_sentence(tmp_path, tone, kind):
    path = damage(tmp_path / "damaged.wav", kind, tone)
    with pytest.raises(AudioError) as caught:
        read_audio(path)
    assert caught.value.text.endswith(".")


def test_a_streamed_wav_has_no_true_length_and_is_read(tmp_path, tone):
    path = tmp_path / "streamed.wav"
    soundfile.write(path, tone, RATE)
    raw = bytearray(path.read_bytes())
    at = raw.index(b"data") + 4
    raw[at : at + 4] = raw[4:8] = b"\xff" * 4
    path.write_bytes(raw)
    assert read_audio(path).seconds == pytest.approx(2.0, abs=0.01)


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileMissing):
        read_audio(tmp_path / "nowhere.wav")
    with pytest.raises(FileError, match="folder"):
        read_audio(tmp_path)
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(FileError, match="device"):
        read_audio(tmp_path / "pipe.wav")


def test_stretches_that_are_not_there(tmp_path, tone):
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone, RATE)
    for start, duration in ((-1.0, None), (0.0, 0.0), (0.0, -1.0), (2.0, 1.0)):
        with pytest.raises(AudioError):
            read_audio(path, start, duration)
    with pytest.raises(TooLarge, match="choose a part of it by a start"):
        read_audio(path, max_seconds=1.0)
