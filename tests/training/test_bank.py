"""The note bank: every pitch in tune and at its level, and every way in which samples can be wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.full_disk import files_limited_to
from support.training_material import HEARD, RATE, TUNE, UNHEARD, Folders, sine, write_manifest

from diffroll_live.errors import DiffrollError, FileError, FileMissing, RequestError
from diffroll_live.music.roll import LOW_PITCH, N_PITCHES
from diffroll_live.training.synthesis import recordings
from diffroll_live.training.synthesis.bank import SAMPLE_RATE, UNIT, Bank, open_bank
from diffroll_live.training.synthesis.bank_cutting import LAYER_LEVEL, SOFTER, build_bank
from diffroll_live.training.synthesis.recordings import Preset

pytest_plugins = ["support.training_fixtures"]
ALONE = Preset(0, velocities=(90,), step=80)
COLUMNS = ("file", "midi_pitch", "velocity_low", "velocity_high", "sfz_tune_cents")


@pytest.fixture(scope="module")
def bank(folders: Folders) -> Bank:
    return open_bank(folders.work / "bank")


def note(bank: Bank, layer: int, pitch: int) -> np.ndarray:
    start = bank.start[layer, pitch - LOW_PITCH]
    return bank.samples[start : start + bank.length[layer, pitch - LOW_PITCH]] / UNIT


def cents_off(samples: np.ndarray, pitch: float) -> float:
    """How far a sine is from a pitch, from the spectrum's peak and its two neighbours."""
    samples = samples[: SAMPLE_RATE // 2]
    size = 1 << 17
    spectrum = np.log(np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size)) + 1e-12)
    at = int(np.argmax(spectrum))
    left, mid, right = spectrum[at - 1 : at + 2]
    peak = (at + 0.5 * (left - right) / (left - 2 * mid + right)) * SAMPLE_RATE / size
    return float(1200 * np.log2(peak / (440 * 2 ** ((pitch - 69) / 12))))


def test_pianos_and_layers_are_those_of_the_manifest(bank):
    assert bank.pianos == (HEARD, UNHEARD)
    assert bank.layers == {HEARD: (0,), UNHEARD: (1, 2)}
    assert bank.high.tolist() == [127, 70, 127]
    assert bank.start.shape == bank.length.shape == (3, N_PITCHES)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_every_pitch_is_in_tune(bank, layer):
    """Also those of the piano whose samples sound too low by what its manifest says."""
    assert TUNE > 10
    for pitch in range(24, 105, 5):
        assert abs(cents_off(note(bank, layer, pitch), pitch)) < 3, pitch


def test_every_layer_is_at_the_same_level(bank):
    """However much softer the soft layer was recorded: the mixer gives it its level back."""
    for layer in range(3):
        levels = [np.sqrt(np.mean(note(bank, layer, LOW_PITCH + i)[:SAMPLE_RATE] ** 2)) for i in range(N_PITCHES)]
        assert np.median(levels) == pytest.approx(LAYER_LEVEL, rel=0.01)
        assert max(levels) < 3 * min(levels)


def test_notes_begin_at_once_and_end_in_silence(bank):
    for pitch in (30, 60, 90):
        samples = note(bank, 0, pitch)
        assert np.argmax(np.abs(samples) > 0.02) < 0.005 * SAMPLE_RATE
        assert abs(samples[-1]) < 1e-3


def one_sample(folder: Path, samples: np.ndarray, *fields: object) -> Path:
    (folder / "p").mkdir(parents=True)
    soundfile.write(folder / "p/a.wav", samples, RATE)
    write_manifest(folder, COLUMNS, [fields or ("p/a.wav", 60, 1, 127, 0)])
    return folder


def refusal(folder: Path, tmp_path: Path, soundfont: Path | None = None) -> DiffrollError:
    with pytest.raises(FileError) as caught:
        build_bank([folder] if folder else [], tmp_path / "bank", soundfont, lambda name: None)
    assert not list(tmp_path.glob("bank*"))
    return caught.value


def test_a_folder_or_a_manifest_that_is_missing(tmp_path):
    (tmp_path / "empty").mkdir()
    missing = refusal(tmp_path / "nowhere", tmp_path)
    assert isinstance(missing, FileMissing)
    assert "no folder" in missing.text
    assert "midi_pitch" in refusal(tmp_path / "empty", tmp_path).text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file,midi_pitch\np/a.wav,60\n", "lacks the column 'velocity_low'"),
        (",".join(COLUMNS) + "\n", "lists no files"),
        (",".join(COLUMNS) + "\np/a.wav,60\n", "line 2, ends before its column 'velocity_low'"),
        (b"\xff\xfe\x00", "cannot be read as CSV"),
    ],
)
def test_a_manifest_that_is_wrong(tmp_path, text, sentence):
    (tmp_path / "s").mkdir()
    (tmp_path / "s/manifest.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert sentence in refusal(tmp_path / "s", tmp_path).text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (("p/gone.wav", 60, 1, 127, 0), "which does not exist"),
        (("p/a.wav", "C4", 1, 127, 0), "invalid number"),
        (("p/a.wav", "nan", 1, 127, 0), "pitch outside the piano"),
        (("p/a.wav", 140, 1, 127, 0), "pitch outside the piano"),
        (("p/a.wav", 60, 100, 20, 0), "decreasing velocities"),
    ],
)
def test_a_row_that_is_wrong(tmp_path, fields, sentence):
    assert sentence in refusal(one_sample(tmp_path / "s", sine(60), *fields), tmp_path).text


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.zeros(0), sine(60)[:100]], ids=["silent", "empty", "short"])
def test_a_sample_that_holds_no_note(tmp_path, samples):
    assert "silent, too short" in refusal(one_sample(tmp_path / "s", samples), tmp_path).text


def test_a_sample_that_is_no_audio(tmp_path):
    folder = one_sample(tmp_path / "s", sine(60))
    (folder / "p/a.wav").write_bytes(b"RIFF and nothing else")
    assert "not audio that can be read" in refusal(folder, tmp_path).text


@pytest.mark.slow
def test_a_full_disk_leaves_no_bank(folders, tmp_path):
    with files_limited_to(1000):
        error = refusal(folders.samples, tmp_path)
    assert "free some space" in error.text


def test_a_bank_that_was_not_built_or_is_damaged(folders, tmp_path):
    with pytest.raises(FileMissing, match="diffroll-live prepare"):
        open_bank(tmp_path / "bank")
    for suffix in (".npy", ".json"):
        shutil.copy(folders.work / f"bank{suffix}", tmp_path)
    index = (tmp_path / "bank.json").read_text()
    for damaged in ("{", "{}", "[]", index.replace('"high": [', '"high": [1, ')):
        (tmp_path / "bank.json").write_text(damaged)
        with pytest.raises(FileError, match="build it again"):
            open_bank(tmp_path / "bank")
    (tmp_path / "bank.json").write_text(index)
    (tmp_path / "bank.npy").write_bytes((folders.work / "bank.npy").read_bytes()[:-1000])
    with pytest.raises(FileError, match="build it again"):
        open_bank(tmp_path / "bank")


def test_a_soundfont_is_recorded_in_tune(monkeypatch):
    found = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
    (low, mid, high) = recordings.from_soundfont(found, Preset(0, velocities=(90,), step=40))
    assert (low.pitch, mid.pitch, high.pitch) == (21, 61, 101)
    assert (mid.low, mid.high) == (1, 127)
    spectrum = np.abs(np.fft.rfft(mid.samples[: mid.sample_rate]))
    assert np.argmax(spectrum) == pytest.approx(440 * 2 ** (-8 / 12), rel=0.01)


def test_keys_that_an_instrument_has_no_sound_for_are_left_out():
    contrabass = Preset(43, velocities=(96,), step=40)
    found = recordings.from_soundfont(Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), contrabass)
    assert [each.pitch for each in found] == [21]


def test_a_soundfont_that_cannot_be_sounded(tmp_path, monkeypatch):
    with pytest.raises(FileMissing, match="no SoundFont"):
        recordings.from_soundfont(tmp_path / "gone.sf2", Preset(0))
    path = tmp_path / "text.sf2"
    path.write_text("no font")
    with pytest.raises(FileError, match="is not a SoundFont"):
        recordings.from_soundfont(path, ALONE)
    path.write_bytes(b"RIFF\0\0\0\0sfbk")
    with pytest.raises(FileError, match=r"text\.sf2"):
        recordings.from_soundfont(path, ALONE)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileMissing, match="FluidSynth is not installed"):
        recordings.from_soundfont(path, ALONE)


@pytest.mark.slow
def test_a_piano_of_one_level_gets_softer_and_duller_layers(tmp_path):
    """What is above the fundamental is fainter there: of a tone and its octave, the octave."""
    folder = tmp_path / "alone"
    folder.mkdir(parents=True)
    soundfile.write(folder / "60.flac", sine(60) + sine(72), RATE)
    write_manifest(tmp_path, COLUMNS, [("alone/60.flac", 60, 1, 127, "0")])
    build_bank([tmp_path], tmp_path / "bank", None, lambda name: None)
    bank = open_bank(tmp_path / "bank")
    assert bank.high[list(bank.layers["alone"])].tolist() == [*(high for high, _ in SOFTER), 127]
    shares = []
    for layer in bank.layers["alone"]:
        spectrum = np.abs(np.fft.rfft(note(bank, layer, 60)[:SAMPLE_RATE] * np.hanning(SAMPLE_RATE)))
        shares.append(20 * np.log10(spectrum[520:527].max() / spectrum[259:265].max()))
    assert shares == sorted(shares)
    assert shares[2] - shares[0] == pytest.approx(SOFTER[0][1], abs=0.5)


def test_a_piano_can_be_left_out(folders, tmp_path):
    build_bank([folders.samples], tmp_path / "bank", None, lambda name: None, without=(HEARD,))
    assert open_bank(tmp_path / "bank").pianos == (UNHEARD,)
    with pytest.raises(RequestError, match="no piano 'celesta' to leave out"):
        build_bank([folders.samples], tmp_path / "bank", None, lambda name: None, without=("celesta",))
