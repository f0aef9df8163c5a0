"""Tests of what models are measured on and of what is written down of it, with a bank of sines and a small network."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from support.training_material import HEARD, UNHEARD, Folders

from diffroll_live.errors import FileMissing, InternalError, RequestError
from diffroll_live.evaluation import speech
from diffroll_live.evaluation.basic_pitch import GRID, transcribe, tuned_threshold
from diffroll_live.evaluation.card import PAGE, write_figures
from diffroll_live.evaluation.clips import SECONDS, EvaluationSet, clips, in_a_room, open_evaluation_set

pytest_plugins = ["support.training_fixtures"]

#: Speaks as basic_pitch_job.py does, and always hears one note, the quieter the higher the threshold.
OTHER = """
import json, pathlib, sys
for path in sorted(pathlib.Path(sys.argv[3]).glob("*.wav")):
    notes = {th: [[0.0, 0.3, 58, 90]] if float(th) < 0.5 else [] for th in sys.argv[4:]}
    print(json.dumps({"file": path.name, "seconds": 2.048, "notes": notes}))
"""


@pytest.fixture(scope="module")
def stage(folders: Folders) -> EvaluationSet:
    return open_evaluation_set(folders.material, (HEARD, UNHEARD))


def test_clips_are_the_same_notes_on_every_piano_and_in_every_room(stage: EvaluationSet) -> None:
    (plain,) = clips(stage, HEARD, 1)
    (noisy,) = clips(stage, UNHEARD, 1, noisy=True)
    (again,) = clips(stage, HEARD, 1)
    assert np.array_equal(plain.notes, noisy.notes)
    assert np.array_equal(plain.audio.samples, again.audio.samples)
    assert plain.audio.seconds == pytest.approx(SECONDS)
    assert {int(pitch) % 3 for pitch in plain.notes[:, 2]} == {1}, "the validation piece alone has these pitches"
    (other,) = clips(stage, HEARD, 1, seed=8)
    assert not np.array_equal(other.notes, plain.notes)


def test_noise_is_20_db_below(stage: EvaluationSet) -> None:
    rng = np.random.default_rng(1)
    silent = in_a_room(np.zeros(16_000, np.float32), rng)
    assert not silent.any()
    tone = np.sin(np.arange(64_000) / 9).astype(np.float32)
    wet = np.mean(in_a_room(tone, rng) ** 2)
    assert wet == pytest.approx(np.mean(tone**2) * 1.01, rel=0.02)


def test_a_stage_needs_its_pianos_and_material(folders: Folders) -> None:
    with pytest.raises(RequestError, match="no piano 'organ'"):
        open_evaluation_set(folders.material, ("organ",))


@pytest.mark.slow
def test_another_program_is_run_by_its_own_python(stage: EvaluationSet, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\n{OTHER}")
    script.chmod(0o755)
    members = list(clips(stage, HEARD, 2))
    outcome, truths = transcribe(script, members)
    assert outcome.factor == pytest.approx(0.1)
    assert [len(outcome.notes[GRID[0]][i]) for i in range(2)] == [1, 1]
    assert tuned_threshold(outcome, truths) < 0.5
    script.write_text(f"#!{sys.executable}\nraise SystemExit('no module named basic_pitch')\n")
    with pytest.raises(InternalError, match=r"basic_pitch.*pip install"):
        transcribe(script, members)
    with pytest.raises(FileMissing, match="cannot be run"):
        transcribe(tmp_path / "nowhere", members)


def test_several_people_talk() -> None:
    said = speech.speech(3.0, 1)
    assert said.seconds == pytest.approx(3.0)
    assert np.sqrt(np.mean(said.samples**2)) > 0.03
    assert not np.array_equal(said.samples, speech.speech(3.0, 2).samples)


def test_without_speech_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "PROGRAM", "no-such-espeak")
    with pytest.raises(FileMissing, match="apt-get install espeak-ng"):
        speech.speech(1.0, 0)


ROWS = {
    "transcription": [
        {"set": name, "clips": 2, "onset": 0.9, "onset_offset": 0.5, "precision": 0.9, "recall": 0.9}
        for name in ("heard pianos", "unheard piano")
    ],
    "steps": [
        {"sampler": "DDIM", "steps": steps, "onset": 0.9, "onset_offset": 0.5, "milliseconds": 100.0 * steps}
        for steps in (1, 2)
    ],
    "beside": [],
    "composing": [
        {"kind": kind, "writer": writer, "judge": 5.0, "auc": auc, "key_held": held}
        for kind, held in (("two bars", None), ("pieces", 0.5))
        for writer, auc in (("composed", None), ("small", [0.75, 0.6, 0.9]))
    ],
    "ways": [
        {"sampler": "composed", "judge": 5.0},
        {"sampler": "thinning", "steps": 4, "temperature": 0.8, "density": 1.0, "judge": 6.0, "seconds": 0.1},
        {"sampler": "thinning", "steps": 4, "temperature": 0.8, "density": 2.0, "judge": 7.0, "seconds": 0.2},
    ],
}


@pytest.mark.slow
def test_a_page_of_figures_has_a_small_picture_and_a_table_for_each_part(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    text = write_figures(tmp_path, "small", "diffroll-live evaluate models/small --card", ROWS).read_text()
    assert "Beside Basic Pitch" not in text
    for part in ("transcription", "steps", "ways"):
        picture = tmp_path / f"figures-{part}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size < 150_000
        assert f"({picture.name})" in text
    assert "| heard pianos | 2 | 0.900 |" in text
    assert "**two bars**\n\n| written by | judge, bits a note | told from composed, AUC |\n" in text
    assert "| small | 5.00 | 0.75 (0.60 to 0.90) | 0.50 |" in text, "what pieces alone have is shown for them"
    assert "| thinning | 4 | 0.80 | 200 % | 7.00 |" in text
    with pytest.raises(RequestError, match="not a model folder"):
        write_figures(tmp_path / "nowhere", "small", "", ROWS)
    assert (tmp_path / PAGE).is_file()
