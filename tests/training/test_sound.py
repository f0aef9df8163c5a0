"""Notes to sound: an onset is heard where its row says, a string is damped when its row says, effects move neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.training_material import HEARD, UNHEARD, Folders

from diffroll_live.training.synthesis.augment import draw_effects, noise, room
from diffroll_live.training.synthesis.bank import SAMPLE_RATE, Bank, open_bank
from diffroll_live.training.synthesis.effects import augment, perform
from diffroll_live.training.synthesis.mixer import UNDAMPED_PITCH, PlayedTouch, mix, with_pedal

pytest_plugins = ["support.training_fixtures"]
MILLISECOND = SAMPLE_RATE // 1000


@pytest.fixture(scope="module")
def bank(folders: Folders) -> Bank:
    return open_bank(folders.work / "bank")


def sound(bank: Bank, *rows: tuple[float, ...], seconds: float = 2.0, **touch: float) -> np.ndarray:
    played = {"dynamic_range": 30.0, "detune": 0.0, "release": 0.05, "piano": HEARD} | touch
    return mix(bank, np.array(rows, np.float64), seconds, PlayedTouch(**played), np.random.default_rng(0))


def level(samples: np.ndarray, begin: float, end: float) -> float:
    return float(np.sqrt(np.mean(samples[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)] ** 2)))


@settings(max_examples=40)
@given(onset=st.floats(0.0, 1.8), pitch=st.integers(45, 108), cents=st.floats(-45, 45))
def test_an_onset_is_heard_where_its_row_says(bank, onset, pitch, cents):
    samples = sound(bank, (onset, onset + 0.3, pitch, 100), detune=cents)
    assert len(samples) == 2 * SAMPLE_RATE
    assert samples.dtype == np.float32
    at = round(onset * SAMPLE_RATE)
    assert not samples[: max(at - MILLISECOND, 0)].any()
    period = SAMPLE_RATE / (440 * 2 ** ((pitch - 69) / 12))
    first = np.argmax(np.abs(samples) > 0.05)
    assert at <= first <= at + period / 2 + MILLISECOND


@pytest.mark.parametrize("cents", [-45.0, -10.0, 0.0, 10.0, 45.0])
def test_detune_moves_the_pitch_and_nothing_else(bank, cents):
    samples = sound(bank, (0.0, 1.9, 69, 100), (1.5, 1.9, 93, 100), detune=cents)
    part = samples[:SAMPLE_RATE] * np.hanning(SAMPLE_RATE)
    peak = np.argmax(np.abs(np.fft.rfft(part, 1 << 18))) * SAMPLE_RATE / (1 << 18)
    assert 1200 * np.log2(peak / 440) == pytest.approx(cents, abs=2)
    quick = np.abs(np.diff(samples, 2))
    assert np.argmax(quick > 0.5 * quick.max()) == pytest.approx(1.5 * SAMPLE_RATE, abs=2 * MILLISECOND)


def test_a_string_is_damped_when_its_row_says(bank):
    rings = sound(bank, (0.2, 1.9, 60, 100))
    damped = sound(bank, (0.2, 0.7, 60, 100), release=0.04)
    same = slice(0, round(0.69 * SAMPLE_RATE))
    assert np.array_equal(rings[same], damped[same])
    assert level(damped, 0.74, 0.80) < 0.4 * level(rings, 0.74, 0.80)
    assert level(damped, 0.95, 1.2) < 0.01 * level(rings, 0.95, 1.2)


def test_the_highest_strings_have_no_dampers(bank):
    short = (0.2, 0.3, UNDAMPED_PITCH, 100)
    assert level(sound(bank, short), 0.6, 0.9) > 0.3 * level(sound(bank, short), 0.2, 0.3)


def test_a_note_that_began_before_still_rings(bank):
    whole = sound(bank, (0.5, 1.5, 60, 100))
    late = sound(bank, (-0.5, 0.5, 60, 100), seconds=1.0)
    assert np.allclose(late, whole[SAMPLE_RATE:], atol=1e-6)
    assert not sound(bank, (-9.0, -8.0, 60, 100)).any()
    assert not sound(bank, (2.5, 3.0, 60, 100)).any()


def test_notes_add_up(bank):
    first, second = (0.1, 1.0, 60, 100), (0.4, 1.2, 67, 80)
    assert np.allclose(sound(bank, first, second), sound(bank, first) + sound(bank, second), atol=1e-6)


def test_velocity_is_loudness_and_the_layer(bank):
    """The dynamic range is that between velocities 1 and 127, whatever the layers were recorded at."""
    loud, soft = (level(sound(bank, (0.0, 1.0, 69, v), piano=UNHEARD), 0, 1) for v in (127, 1))
    assert 20 * np.log10(loud / soft) == pytest.approx(30 * 126 / 127, abs=0.5)


def test_the_pedal_holds_what_ends_while_it_is_down():
    notes = np.array([(0.0, 0.5, 60, 80), (0.0, 1.5, 62, 80), (1.0, 2.5, 64, 80), (3.0, 3.5, 65, 80)])
    pedal = np.array([(0.3, 1.0), (2.0, 3.0)])
    assert with_pedal(notes, pedal)[:, 1].tolist() == [1.0, 1.5, 3.0, 3.5]


@pytest.mark.parametrize("pedal", [np.zeros((0, 2)), np.array([(5.0, 6.0)]), np.array([(0.3, 1.0)])])
def test_with_pedal_always_copies(pedal):
    notes = np.array([(0.0, 0.5, 60.0, 80.0)])
    before = notes.copy()
    with_pedal(notes, pedal)[:] = -1
    assert np.array_equal(notes, before)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_effects_leave_good_audio(seed):
    rng = np.random.default_rng(seed)
    samples = (rng.standard_normal(SAMPLE_RATE // 2) * 10 ** rng.uniform(-4, 0)).astype(np.float32)
    out = augment(samples, rng)
    assert out.shape == samples.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 1


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_effects_do_not_move_an_onset(seed):
    """Equalisers have no phase, and the direct sound is a room's first and greatest."""
    samples = np.zeros(SAMPLE_RATE, np.float32)
    samples[6000] = 1
    # noise may be louder than a soft click, and drive flattens what is loudest
    drawn = replace(draw_effects(np.random.default_rng(seed), 1.0), noise=None, drive=None)
    heard = perform(torch.from_numpy(samples)[None], [drawn])[0].numpy()
    assert abs(int(np.argmax(np.abs(heard))) - 6000) <= 2 * MILLISECOND


def test_silence_stays_quiet():
    silence = np.zeros(SAMPLE_RATE, np.float32)
    assert not augment(silence, np.random.default_rng(0), amount=0.0).any()
    levels = [level(augment(silence, np.random.default_rng(seed)), 0, 1) for seed in range(60)]
    assert max(levels) < 0.1
    assert np.median(levels) < 0.01


def test_without_effects_only_the_level_changes():
    samples = 0.3 * np.sin(np.arange(SAMPLE_RATE) / 20).astype(np.float32)
    levels = [augment(samples, np.random.default_rng(seed), amount=0.0) for seed in range(40)]
    peaks = [float(np.abs(out).max()) for out in levels]
    assert all(np.allclose(out / peak, samples / 0.3, atol=1e-3) for out, peak in zip(levels, peaks, strict=True))
    assert 0.005 < min(peaks) < 0.1 < max(peaks) < 0.9


def test_a_room_decays():
    for seed in range(20):
        response = room(np.random.default_rng(seed))
        assert np.argmax(np.abs(response)) == 0
        quarter = len(response) // 4
        assert np.square(response[-quarter:]).sum() < 0.05 * np.square(response[1:]).sum()


def test_noise_has_unit_power():
    for seed in range(20):
        assert 0.9 < level(noise(SAMPLE_RATE, np.random.default_rng(seed)), 0, 1) < 3.0
