"""What is added to the piano in training: other instruments, sounds without notes, octaves, a bass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from support.training_material import HEARD, SAMPLED, Folders, write_manifest

from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.corpus.packing import pack_folder, unpack_folder
from diffroll_live.training.corpus.procedural import MAKERS
from diffroll_live.training.examples.drawing import BESIDE, NOTHINGS, beside, nothing
from diffroll_live.training.examples.windows import WindowMaker
from diffroll_live.training.synthesis.bank import INSTRUMENT_SECONDS, SAMPLE_RATE, is_instrument, open_bank
from diffroll_live.training.synthesis.bank_cutting import build_bank
from diffroll_live.training.synthesis.recordings import INSTRUMENTS, SOUNDFONT_PRESETS

pytest_plugins = ["support.training_fixtures"]
FLUTE = "instrument_073"
RATE = 22_050


@pytest.fixture(scope="module")
def band(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The material, with a flute in the bank: a sine that does not decay."""
    root = tmp_path_factory.mktemp("band")
    (root / FLUTE).mkdir()
    rows = []
    for pitch in SAMPLED:
        time = np.arange(4 * RATE) / RATE
        soundfile.write(
            root / FLUTE / f"{pitch}.flac", 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time), RATE
        )
        rows.append((f"{FLUTE}/{pitch}.flac", pitch, 1, 127, "0"))
    write_manifest(root, ("file", "midi_pitch", "velocity_low", "velocity_high", "sfz_tune_cents"), rows)
    build_bank([folders.samples, root], root / "bank", None, lambda name: None)
    return replace(folders, work=root)


@pytest.mark.slow
def test_instruments_play_their_share_of_windows_and_no_pianos(band, folders):
    material = replace(folders.material, bank=band.work / "bank", empty_share=0.0, instrument_share=0.3)
    maker = WindowMaker(material)
    assert maker.pianos == (HEARD,)
    assert maker.instruments == (FLUTE,)
    flute = maker.bank.start[maker.bank.layers[FLUTE][0]].min()
    plans = [maker.plan(5, number) for number in range(60)]
    played = [plan for plan in plans if len(plan.voices.source) and plan.voices.source.min() >= flute]
    assert 0.15 < len(played) / len(plans) < 0.45
    for plan in played:
        assert (plan.notes[:, 1] - plan.notes[:, 0]).max(initial=0.0) <= INSTRUMENT_SECONDS + 1e-9
        assert len(plan.pedal) == 0


@pytest.mark.slow
def test_a_pack_for_a_bare_machine_has_the_pianos_alone(band, folders, tmp_path):
    pack_folder(band.work / "bank", folders.work / "corpus", tmp_path / "pack", lambda name: None)
    unpack_folder(tmp_path / "pack", tmp_path / "bank", tmp_path / "corpus")
    assert open_bank(tmp_path / "bank").pianos == (HEARD, "upright")


def test_every_instrument_of_the_soundfont_is_pitched_and_has_a_name():
    assert all(is_instrument(name) for name in INSTRUMENTS)
    assert len(INSTRUMENTS) > 60
    programs = [preset.program for preset in (*INSTRUMENTS.values(), *SOUNDFONT_PRESETS.values())]
    assert len(programs) == len(set(programs))
    assert not {47, 55, *range(112, 128)} & set(programs), "drums, hits and noises"


@pytest.mark.parametrize("name", NOTHINGS)
def test_sounds_without_notes(name):
    """Each is the same for a seed, another for another, finite, and not beyond full scale by much."""
    _, make = NOTHINGS[name]
    first, again, other = (make(SAMPLE_RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (SAMPLE_RATE,)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert np.array_equal(first, again)
    assert name == "silence" or not np.array_equal(first, other)
    assert np.sqrt(np.mean(first**2)) < 0.2


def test_the_shares_of_sounds_without_notes_are_whole():
    assert sum(share for share, _ in NOTHINGS.values()) == pytest.approx(1.0)
    assert set(BESIDE) <= set(NOTHINGS)
    assert nothing(np.random.default_rng(0), 0.5).shape == (8000,)


def test_what_sounds_beside_a_piano_is_softer(folders):
    levels = [20 * np.log10(np.sqrt(np.mean(beside(np.random.default_rng(n), 1.0) ** 2)) + 1e-9) for n in range(8)]
    assert all(-58 < level < -26 for level in levels)
    material = replace(folders.material, empty_share=0.0, beside_share=1.0, augmentation=0.0)
    maker = WindowMaker(material)
    plan = maker.plan(0, 0)
    assert plan.samples is not None
    assert plan.voices is not None
    alone = WindowMaker(replace(material, beside_share=0.0)).window(0, 0).samples
    both = maker.window(0, 0).samples
    assert not np.array_equal(alone, both)


def test_octaves_and_twelfths_are_struck_and_not_struck():
    seen = {0: 0, 12: 0, 19: 0}
    for seed in range(6):
        rows = MAKERS["octaves"](np.random.default_rng(seed), 12.0)
        for onset, _, pitch, _ in rows:
            near = rows[np.abs(rows[:, 0] - onset) < 0.03]
            seen[0] += 1
            for interval in (12, 19):
                seen[interval] += bool((near[:, 2] == pitch + interval).any())
    assert 0.1 < seen[12] / seen[0] < 0.6
    assert 0.03 < seen[19] / seen[0] < 0.4


def test_a_bass_is_low():
    rows = np.concatenate([MAKERS["bass"](np.random.default_rng(seed), 12.0) for seed in range(6)])
    assert (rows[:, 2] >= LOW_PITCH).all()
    assert (rows[:, 2] <= HIGH_PITCH).all()
    assert np.mean(rows[:, 2] < 48) > 0.3
