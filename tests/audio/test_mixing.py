"""Many channels to one, and the level of the result: the same music gives the same samples, however it was recorded."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from diffroll_live.audio.chunks import ChunkAssembly, ChunkPlan
from diffroll_live.audio.level import at_usual_level
from diffroll_live.audio.pcm import from_bytes, make_buffer, mix_of
from diffroll_live.files.audio_file import read_audio
from diffroll_live.types import AudioBuffer, Floats

RATE = 16_000
MUSIC = (0.3 * np.sin(np.arange(2 * RATE) * 0.17) * np.exp(-(np.arange(2 * RATE) % 4000) / 2000)).astype(np.float32)
HISS = (1e-4 * np.random.default_rng(0).standard_normal(2 * RATE)).astype(np.float32)
INVERTED = "those that are inverted were turned round"


def by_file(tmp_path, columns: Floats) -> AudioBuffer:
    soundfile.write(tmp_path / "a.wav", columns, RATE, subtype="FLOAT")
    return read_audio(tmp_path / "a.wav")


def by_chunks(_, columns: Floats) -> AudioBuffer:
    data = columns.astype("<f4").tobytes()
    assembly = ChunkAssembly(ChunkPlan("a", RATE, columns.shape[1], len(columns), "f32", 1 << 20))
    for index in range(assembly.plan.chunks):
        assembly.add(index, data[index << 20 : (index + 1) << 20])
    return assembly.finish(0)


@pytest.fixture(params=[by_file, by_chunks])
def read(request, tmp_path):
    return lambda *columns: request.param(tmp_path, np.stack(columns, axis=1))


def test_channels_that_are_alike_or_not_are_averaged(read):
    np.testing.assert_allclose(read(MUSIC, MUSIC).samples, MUSIC, atol=1e-6)
    other = np.roll(MUSIC, 777)
    audio = read(MUSIC, other)
    np.testing.assert_allclose(audio.samples, (MUSIC + other) / 2, atol=1e-6)
    assert audio.remarks == ()


def test_one_channel_of_32_that_sounds_is_heard_as_it_is(read):
    audio = read(*[HISS * 0.1] * 20, MUSIC, *[HISS * 0] * 11)
    np.testing.assert_allclose(audio.samples, MUSIC, atol=1e-6)
    assert audio.remarks == ()


@pytest.mark.parametrize("quieter", [1.0, 0.9])
def test_an_inverted_channel_is_turned_round_and_said(read, quieter):
    audio = read(MUSIC, -quieter * MUSIC + HISS)
    np.testing.assert_allclose(audio.samples, MUSIC * (1 + quieter) / 2, atol=1e-3)
    assert INVERTED in audio.remarks[0]


def test_an_inverted_mp3_is_heard(tmp_path):
    soundfile.write(tmp_path / "a.mp3", np.stack([MUSIC, -MUSIC], axis=1), RATE)
    soundfile.write(tmp_path / "b.mp3", MUSIC, RATE)
    audio, alone = read_audio(tmp_path / "a.mp3"), read_audio(tmp_path / "b.mp3")
    assert INVERTED in audio.remarks[0]
    assert abs(np.corrcoef(audio.samples, alone.samples)[0, 1]) > 0.99


def test_a_channel_with_an_offset_does_not_sound(read):
    audio = read(MUSIC, np.full_like(MUSIC, 0.5))
    np.testing.assert_allclose(audio.samples, MUSIC, atol=1e-6)


def test_silence_is_said(read):
    for columns in ((MUSIC * 0,), (HISS * 1e-3, MUSIC * 0)):
        audio = read(*columns)
        assert "Nothing in it is audible" in audio.remarks[0]
        assert np.abs(audio.samples).max() < 1e-6


def test_samples_of_16_bits_are_mixed_alike():
    raw = (np.stack([MUSIC, -MUSIC], axis=1) * 32768).astype("<i2").tobytes()
    mix = mix_of(raw, "s16", 2)
    np.testing.assert_allclose(from_bytes(raw, "s16", 2, mix), MUSIC, atol=1e-4)


@pytest.mark.parametrize("power", [5, -10, 20, -12])
def test_a_recording_that_is_far_too_loud_or_quiet_is_put_where_it_would_be(power):
    whole = MUSIC * np.float32(0.16 / np.sqrt(np.mean(MUSIC[:300] ** 2)))  # at the usual level
    np.testing.assert_array_equal(at_usual_level(whole, RATE), whole)
    np.testing.assert_array_equal(at_usual_level(whole * np.float32(2.0**power), RATE), whole)


@pytest.mark.parametrize("gain", [1.0, 0.1, 1.9])
def test_a_usual_level_is_left_as_it_is(gain):
    samples = MUSIC * np.float32(gain)
    assert at_usual_level(samples, RATE) is samples


def test_what_is_clipped_stays_as_it_is():
    samples = np.clip(MUSIC * 30, -1, 1)
    assert at_usual_level(samples, RATE) is samples


def test_a_click_keeps_its_recording_from_being_made_louder_than_full_scale():
    samples = MUSIC * np.float32(1e-3)
    samples[100] = 0.9
    assert at_usual_level(samples, RATE) is samples or np.abs(at_usual_level(samples, RATE)).max() <= 1.0


def test_a_level_is_found_however_short_or_extreme_the_samples_are():
    for samples in ([1e-3], [1e30, -1e30], [0.0], [3e38] * 2000, [*[0.0] * 1999, 1e-3]):
        audio = make_buffer("a", np.array(samples, np.float32), RATE)
        assert np.isfinite(audio.samples).all()
