"""The pack for a bare machine: how small, how faithful, and that training there needs next to nothing installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.training_material import UNHEARD, Folders

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.training.corpus.packing import NOTES, PIECES, compand, expand, pack_folder, unpack_folder
from diffroll_live.training.corpus.pieces import open_corpus
from diffroll_live.training.synthesis.bank import open_bank

pytest_plugins = ["support.training_fixtures"]


@pytest.fixture(scope="module")
def pack(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pack") / "pack"
    size = pack_folder(folders.work / "bank", folders.work / "corpus", out, lambda name: None)
    assert size == sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return out


@given(st.floats(-1, 1, width=32))
def test_a_byte_a_sample_is_finer_where_it_is_quiet(value):
    back = float(expand(compand(np.array([value], np.float32)))[0])
    assert abs(back - value) <= 0.023 * abs(value) + 1e-4


def test_a_note_is_coded_better_than_35_db():
    time = np.arange(16_000) / 16_000
    note = (np.exp(-3 * time) * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    error = expand(compand(note)) - note
    assert 10 * np.log10(np.mean(note**2) / np.mean(error**2)) > 35


@pytest.mark.slow
def test_what_was_packed_comes_out_again(pack, folders, tmp_path):
    unpack_folder(pack, tmp_path / "bank", tmp_path / "corpus")
    before, after = open_corpus(folders.work / "corpus"), open_corpus(tmp_path / "corpus")
    assert (after.names, after.splits) == (before.names, before.splits)
    assert np.abs(after.notes - before.notes).max() <= 0.0011
    assert np.abs(after.pedal - before.pedal).max() <= 0.0011
    original, bank = open_bank(folders.work / "bank"), open_bank(tmp_path / "bank")
    assert bank.pianos == original.pianos
    assert bank.high.tolist() == original.high.tolist()
    for pitch in (0, 1, 2, 44, 87):  # kept, and brought up or down by a semitone
        for row in range(len(bank.high)):
            first = original.samples[original.start[row, pitch] :][:8000].astype(np.float64)
            second = bank.samples[bank.start[row, pitch] :][:8000].astype(np.float64)
            assert np.corrcoef(np.abs(np.fft.rfft(first)), np.abs(np.fft.rfft(second)))[0, 1] > 0.95
            assert second.std() == pytest.approx(first.std(), rel=0.1)


@pytest.mark.slow
def test_a_damaged_pack_is_refused(pack, tmp_path):
    for name in (NOTES, PIECES):
        broken = tmp_path / name
        broken.mkdir()
        for each in (NOTES, PIECES):
            (broken / each).write_bytes((pack / each).read_bytes()[: 200 if each == name else None])
        with pytest.raises(FileError, match="pack it again"):
            unpack_folder(broken, tmp_path / "bank", tmp_path / "corpus")
    with pytest.raises(FileMissing, match="diffroll-live prepare"):
        pack_folder(tmp_path / "no", tmp_path / "no", tmp_path / "out", lambda name: None)


def bare(folder: Path) -> dict[str, str]:
    """An environment in which of this project's dependencies only torch, NumPy and safetensors can be imported."""
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "class Bare:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in GONE:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        f"GONE = {GONE!r}\n"
        "sys.meta_path.insert(0, Bare())\n"
    )
    return {"PYTHONPATH": str(folder), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "HOME": str(folder)}


GONE = {
    "torchaudio", "mido", "soundfile", "sounddevice", "rtmidi", "pythonosc", "click", "rich", "matplotlib", "PIL",
    "mir_eval", "tensorboard", "scipy", "pytest",
}  # fmt: skip


@pytest.mark.slow
def test_a_bare_machine_trains_from_the_pack_alone(pack, tmp_path):
    options = ["--steps", "1", "--batch", "1", "--workers", "0", "--device", "cpu", "--seconds", "0.5"]
    arguments = [str(tmp_path / "run"), *options, "--unheard", UNHEARD, "--work", str(tmp_path / "work")]
    code = f"""
import diffroll_live
from diffroll_live.training.__main__ import main
print(diffroll_live.__file__)
print(main({[*arguments, "--stage", "loud"]!r}))
print(main({arguments!r}))
import mido
"""
    (tmp_path / "site").mkdir()
    environment = bare(tmp_path / "site")
    done = subprocess.run([sys.executable, "-c", code], cwd=pack, env=environment, capture_output=True, text=True)
    where, refused, trained = done.stdout.splitlines()
    assert where.startswith(str(pack)), "the program of the pack, not the installed one"
    assert (refused, trained) == ("1", "0"), done.stderr
    assert "Error: There is no stage 'loud'" in done.stderr
    assert "1 steps" in done.stderr
    assert "No module named 'mido'" in done.stderr, "the machine is bare"
    assert json.loads((tmp_path / "run/settings.json").read_text())["material"]["unheard"] == UNHEARD
