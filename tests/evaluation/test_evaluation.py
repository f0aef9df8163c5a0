"""Scores that are right where the right answer is known, clips to score on, and thresholds that suit a posterior."""

from __future__ import annotations

import builtins
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from support.training_material import HEARD, SMALL, UNHEARD, Folders, scale, write_recording

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.loading import load_engine
from diffroll_live.errors import AudioError, FileError, FileMissing, RequestError
from diffroll_live.evaluation.evaluation import GRID, Clip, heard, recorded, rendered, transcribed, tune
from diffroll_live.evaluation.scores import require_mir_eval, score, score_one
from diffroll_live.model.decoding import Posterior, Thresholds, decode
from diffroll_live.model.roll_targets import NoteArray, target_of
from diffroll_live.music.roll import RollGeometry
from diffroll_live.training.runs.export import export
from diffroll_live.training.runs.states import write_state
from diffroll_live.training.runs.subjects import compact
from diffroll_live.training.runs.trainer import Schedule, Trainer
from diffroll_live.types import Options

pytest_plugins = ["support.training_fixtures"]
GEOMETRY = RollGeometry(16_000, 256)
TRUTH = np.array(scale(9.0), np.float64)
NONE = np.zeros((0, 4))


def moved(rows: NoteArray, seconds: float, pitch: int = 0, velocity: int = 0) -> NoteArray:
    return rows + np.array([seconds, seconds, pitch, velocity])


@pytest.mark.slow
def test_a_perfect_transcript_scores_one():
    one = score([TRUTH, TRUTH[:5]], [TRUTH, TRUTH[:5]])
    assert (one.onset, one.onset_offset, one.precision, one.recall) == (1, 1, 1, 1)
    assert (one.onset_error, one.velocity_error) == (0, 0)


@pytest.mark.slow
def test_errors_are_those_of_the_notes_that_were_found():
    estimate = moved(TRUTH, 0.01, velocity=-6)
    estimate[0, 2] += 1
    one = score_one(estimate, TRUTH)
    assert one.onset == pytest.approx(19 / 20)
    assert one.onset_error == pytest.approx(0.01)
    assert one.velocity_error == pytest.approx(6)


def test_precision_recall_and_offsets_are_told_apart():
    half = score_one(TRUTH[:10], TRUTH)
    assert (half.precision, half.recall, half.onset) == (1, 0.5, pytest.approx(2 / 3))
    long = TRUTH.copy()
    long[:, 1] += 0.1  # a third of each note
    assert (score_one(long, TRUTH).onset, score_one(long, TRUTH).onset_offset) == (1, 0)


def test_scores_are_means_over_clips():
    one = score([TRUTH, NONE], [TRUTH, TRUTH])
    assert (one.onset, one.recall, one.onset_error) == (0.5, 0.5, 0)


def test_a_shift_of_the_labels_is_found_for_each_clip():
    late_and_early = [moved(TRUTH, 0.055), moved(TRUTH[1:], -0.06)]
    truths = [TRUTH, TRUTH[1:]]
    assert score(late_and_early, truths).onset == 0
    found = score(late_and_early, truths, shift=True)
    assert found.onset == 1
    assert found.onset_error < 1e-9
    assert score([moved(TRUTH, 0.2)], [TRUTH], shift=True).onset == 0


def test_in_silence_hearing_nothing_is_right():
    assert score_one(NONE, NONE).onset == 1
    assert score_one(TRUTH, NONE).onset == 0
    assert score([NONE], [NONE], shift=True).onset_error is None


def test_without_mir_eval_it_is_said(monkeypatch):
    ordinary = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> ModuleType:
        if name == "mir_eval":
            raise ImportError(name)
        return ordinary(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(FileMissing, match=r"pip install 'diffroll-live\[train\]'"):
        require_mir_eval()


def test_clips_are_of_the_validation_split(folders: Folders):
    clips = list(rendered(folders.material, UNHEARD, 2, augmentation=0.0))
    assert [clip.name for clip in clips] == [f"{UNHEARD}-0", f"{UNHEARD}-1"]
    for clip in clips:
        assert clip.audio.seconds == pytest.approx(20.48)
        assert len(clip.notes) > 20
        assert ((clip.notes[:, 0] >= 0) & (clip.notes[:, 0] < 20.48)).all()
        assert {int(pitch) % 3 for pitch in clip.notes[:, 2]} == {1}
    (again,) = rendered(folders.material, UNHEARD, 1, augmentation=0.0)
    assert np.array_equal(again.audio.samples, clips[0].audio.samples)
    (other,) = rendered(folders.material, UNHEARD, 1, augmentation=0.0, seed=8)
    assert not np.array_equal(other.audio.samples, clips[0].audio.samples)
    with pytest.raises(RequestError, match="no piano 'organ'"):
        list(rendered(folders.material, "organ", 1, augmentation=0.0))


def test_recordings_are_read_with_their_notes(tmp_path):
    (clip,) = recorded(write_recording(tmp_path))
    assert (clip.name, clip.audio.seconds) == ("take", 2.0)
    assert clip.notes.tolist() == [[0.5, 1.0, 60, 90]]
    (empty,) = recorded(write_recording(tmp_path, "onset_s,offset_s,midi_pitch,velocity\n"))
    assert empty.notes.shape == (0, 4)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("a,b,c,d\n0.5,1.0,C4,90\n", "four columns of numbers"),
        ("a,b,c\n0.5,1.0,60\n", "four columns of numbers"),
        ("a,b,c,d\n0.5,1.0,60,90\n0.5\n", "four columns of numbers"),
        ("a,b,c,d\n1.5,1.0,60,90\n", "ends before it begins"),
        ("a,b,c,d\nnan,1.0,60,90\n", "begins before 0"),
    ],
)
def test_labels_that_are_wrong(tmp_path, labels, sentence):
    with pytest.raises(FileError, match=sentence):
        list(recorded(write_recording(tmp_path, labels)))


def test_recordings_that_are_missing(tmp_path):
    with pytest.raises(FileMissing, match="no FLAC files"):
        list(recorded(tmp_path / "nowhere"))
    write_recording(tmp_path)
    (tmp_path / "take.csv").unlink()
    with pytest.raises(FileMissing, match=r"take\.csv"):
        list(recorded(tmp_path))
    write_recording(tmp_path)
    (tmp_path / "take.flac").write_bytes(b"fLaC and no more")
    with pytest.raises(AudioError, match=r"take\.flac"):
        list(recorded(tmp_path))


def posterior(truth: NoteArray, onset: tuple[float, float], frame: tuple[float, float]) -> Posterior:
    """What a shy network makes of notes: probabilities of what is not and of what is; onsets by chance among them."""
    target = target_of(truth, GEOMETRY, 640)
    false = target_of(moved(truth, 0.2, pitch=12), GEOMETRY, 640)
    ghost = np.maximum(target.onset * onset[1], false.onset * onset[0])
    long = np.maximum(target.frame * frame[1], np.roll(target.frame, 30, axis=0) * frame[0])
    parts = (ghost, long, target.velocity, target.onset_shift, target.offset_shift)
    return Posterior(*(torch.from_numpy(np.ascontiguousarray(part, np.float32)) for part in parts))


def test_tuning_finds_thresholds_between_the_right_and_the_wrong():
    shy = posterior(TRUTH, onset=(0.18, 0.41), frame=(0.12, 0.28))
    tuned = tune([lambda thresholds: decode(shy, GEOMETRY, thresholds)], [TRUTH])
    assert 0.18 <= tuned.onset_threshold < 0.41
    assert 0.12 <= tuned.frame_threshold < 0.28
    assert (tuned.score.onset, tuned.score.onset_offset) == (1, 1)
    sure = posterior(TRUTH, onset=(0.0, 1.0), frame=(0.0, 1.0))
    middle = tune([lambda thresholds: decode(sure, GEOMETRY, thresholds)], [TRUTH])
    assert middle.onset_threshold == GRID[-1]
    assert middle.frame_threshold == GRID[len(GRID) // 2]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> TorchEngine:
    """A network that knows nothing and says a lot."""
    folder = tmp_path_factory.mktemp("model")
    trainer = Trainer(compact(SMALL), Schedule(1, seed=1), "cpu")
    with torch.no_grad():
        for parameter in trainer.averaged.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    write_state(folder / "state.pt", trainer.state({}))
    export(folder / "state.pt", folder / "loud", "# loud\n", decode={}, sampling={}, version="1")
    return load_engine(str(folder / "loud"), "cpu", warm=False)


@pytest.fixture(scope="module")
def clip(folders: Folders) -> Clip:
    (made,) = rendered(folders.material, HEARD, 1, augmentation=1.0)
    return made


@pytest.mark.slow
@pytest.mark.parametrize(("onset", "frame"), [(0.05, 0.05), (0.02, 0.3), (0.3, 0.02)])
def test_what_was_heard_once_decodes_as_the_engine_does(engine, clip, onset, frame):
    decoder = heard(engine, clip.audio, Options(steps=1))
    before = engine.defaults
    engine.defaults = replace(before, frame_threshold=frame)
    try:
        expected = transcribed(engine, clip.audio, Options(steps=1, threshold=onset))
    finally:
        engine.defaults = before
    assert len(expected) > 0
    assert np.array_equal(decoder(Thresholds(onset, frame)), expected)
