"""Audio whose header does not know how much there is, or counts less, is read to its end."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diffroll_live.errors import AudioError
from diffroll_live.files.audio_file import read_audio
from diffroll_live.types import Floats

RATE = 16_000
FRAME = 576  # samples of an MP3's frame at that rate


def sound(seconds: float, rate: int = RATE) -> Floats:
    """A chirp with a silent middle, so that a variable bit rate varies."""
    t = np.arange(round(seconds * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * (200 + 150 * t) * t)
    wave[len(t) // 4 : len(t) // 2] = 0
    return wave.astype(np.float32)


@pytest.mark.parametrize("length", [0, 100, 0x7FFFFFFF - 36, 0x7FFFF000, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF - 36])
def test_a_wav_that_was_streamed_or_broken_off_is_read_whole(tmp_path, length):
    soundfile.write(tmp_path / "a.wav", sound(3.0), RATE)
    data = (tmp_path / "a.wav").read_bytes()
    at = data.index(b"data")
    before = read_audio(tmp_path / "a.wav").samples
    (tmp_path / "b.wav").write_bytes(data[: at + 4] + struct.pack("<I", length) + data[at + 8 :])
    assert np.array_equal(read_audio(tmp_path / "b.wav").samples, before)
    assert np.array_equal(read_audio(tmp_path / "b.wav", 1.0, 0.5).samples, before[RATE : RATE * 3 // 2])


def test_what_follows_the_data_of_a_wav_is_not_taken_for_sound(tmp_path):
    soundfile.write(tmp_path / "a.wav", sound(1.0), RATE)
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data + b"LIST" + struct.pack("<I", 4) + b"INFO")
    assert read_audio(tmp_path / "a.wav").seconds == 1.0


def test_a_wav_that_lacks_what_its_header_promises_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", sound(1.0), RATE)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:-1000])
    with pytest.raises(AudioError, match=r"a\.wav is truncated: its header promises 1000 bytes more"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("rate", [RATE, 44_100, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_flac_that_was_streamed_is_read_whole(tmp_path, rate, channels):
    samples = np.stack([sound(3.01, rate)] * channels, axis=1)
    soundfile.write(tmp_path / "a.flac", samples, rate)
    before = read_audio(tmp_path / "a.flac").samples
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    (tmp_path / "b.flac").write_bytes(data)
    assert np.array_equal(read_audio(tmp_path / "b.flac").samples, before)
    assert np.array_equal(read_audio(tmp_path / "b.flac", 2.0, 0.5).samples, before[2 * rate : rate * 5 // 2])


def mp3(path: Path, samples: Floats, rate: int = RATE, channels: int = 1) -> bytes:
    columns = np.stack([samples] * channels, axis=1)
    with soundfile.SoundFile(
        path, "w", rate, channels, format="MP3", bitrate_mode="VARIABLE", compression_level=0.3
    ) as file:
        file.write(columns)
    return path.read_bytes()


def without_tag(data: bytes) -> bytes:
    """Drop the first frame, which holds the number of the others."""
    second = data.index(data[:2], 4)
    return data[second:]


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "channels"), [(RATE, 1), (RATE, 2), (44_100, 1), (48_000, 2), (8_000, 1)])
def test_an_mp3_without_a_count_is_heard_to_its_end(tmp_path, rate, channels):
    data = mp3(tmp_path / "a.mp3", sound(12.0, rate), rate, channels)
    (tmp_path / "b.mp3").write_bytes(without_tag(data))
    (tmp_path / "c.mp3").write_bytes(b"ID3\4\0\0\0\0\1\0" + bytes(128) + without_tag(data) + b"TAG" + bytes(125))
    for name in ("b.mp3", "c.mp3"):
        back = read_audio(tmp_path / name)
        assert back.seconds == pytest.approx(12.0, abs=3 * 1152 / rate)
        assert np.abs(back.samples[-rate:]).max() > 0.3
    part = read_audio(tmp_path / "b.mp3", 10.0, 1.0).samples
    assert np.abs(part - read_audio(tmp_path / "b.mp3").samples[10 * rate : 11 * rate]).max() < 1e-3


def test_an_mp3_that_counts_right_is_read_as_it_was_encoded(tmp_path):
    mp3(tmp_path / "a.mp3", sound(12.0))
    assert read_audio(tmp_path / "a.mp3").seconds == 12.0


def test_an_mp3_is_decoded_without_a_seam(tmp_path):
    mp3(tmp_path / "a.mp3", sound(20.0))  # longer than what is read at a time
    with soundfile.SoundFile(tmp_path / "a.mp3") as file:
        at_once = file.read(dtype="float32")
    assert np.abs(read_audio(tmp_path / "a.mp3").samples - at_once).max() < 1e-6


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.opus"])
def test_joined_files_are_heard_to_the_end_of_the_last(tmp_path, name, capfd):
    path = tmp_path / name
    if name == "a.mp3":
        mp3(path, sound(4.0))
    else:
        options = {"format": "OGG", "subtype": "OPUS"} if name == "a.opus" else {}
        soundfile.write(path, sound(4.0), RATE, **options)
    once = read_audio(path)
    path.write_bytes(path.read_bytes() * 3)
    back = read_audio(path)
    assert back.seconds == pytest.approx(12.0, abs=0.4)
    assert np.array_equal(back.samples[: len(once.samples)], once.samples)
    assert np.abs(back.samples[-RATE:]).max() > 0.3
    assert capfd.readouterr().err == ""


def test_ogg_files_of_different_rates_that_were_joined_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.ogg", sound(1.0), RATE)
    soundfile.write(tmp_path / "b.ogg", sound(1.0), 44_100)
    (tmp_path / "c.ogg").write_bytes((tmp_path / "a.ogg").read_bytes() + (tmp_path / "b.ogg").read_bytes())
    with pytest.raises(AudioError, match="16000 and 44100 Hz"):
        read_audio(tmp_path / "c.ogg")


@pytest.mark.parametrize("head", [b"RIFF", b"fLaC", b"OggS", b"ID3\4\0\0\0\0\0\0", b"\xff\xfb\x90\x00"])
def test_no_bytes_crash_the_count(tmp_path, head):
    rng = np.random.default_rng(0)
    for n_bytes in (0, 1, 20, 30, 60, 5000):
        (tmp_path / "a").write_bytes(head + rng.bytes(n_bytes))
        with pytest.raises(AudioError):
            read_audio(tmp_path / "a")
