"""The judge: what it reads, that it always says the same, that it learns, and what a classifier can tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.excerpts import figure, filled, hole, scores

from diffroll_live.errors import CheckpointError, RequestError
from diffroll_live.evaluation.composing import judge_training
from diffroll_live.evaluation.composing.classifier import auc, told_apart
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.judge import Judge, bits, encode, fingerprint, load_judge
from diffroll_live.evaluation.composing.judge_training import JudgeSchedule, train_judge, write_judge
from diffroll_live.evaluation.composing.judging import verdict, verdicts
from diffroll_live.evaluation.composing.writers import WRITERS

SCHEDULE = JudgeSchedule(3, batch=2, notes=24, warm_up=1)


def test_notes_are_read_with_their_place_in_the_bar():
    lines = np.array([0, 96, 168])
    onset, key, ticks = np.array([0, 0, 97, 110]), np.array([3, 15, 20, 21]), np.array([24, 24, 5, 300])
    wait, keys, length, place, bar = encode(onset, key, ticks, lines).T
    assert wait.tolist() == [0, 0, 48, 6]
    assert keys.tolist() == [3, 15, 20, 21]
    assert length.tolist() == [7, 7, 2, 14]
    assert place.tolist() == [0, 0, 0, 7]
    assert bar.tolist() == [8, 8, 6, 6]


def test_an_untrained_judge_knows_nothing_and_the_first_note_is_not_counted():
    torch.manual_seed(0)
    notes = Filled(hole(), hole().composed()).inside
    found = bits(Judge().eval(), encode(notes[:, 0], notes[:, 1] - 21, notes[:, 2], hole().excerpt.lines))
    assert np.isnan(found[0])
    blind = np.log2(98) + np.log2(88) + np.log2(15)
    assert np.abs(found[1:] - blind).max() < 2.0
    assert np.isnan(bits(Judge().eval(), np.zeros((1, 5), np.int64))).all()


@pytest.mark.slow
def test_a_run_that_was_cut_off_ends_with_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(judge_training, "SAVE_EVERY", 1)
    monkeypatch.setattr(judge_training, "REPORT_EVERY", 1)
    whole = train_judge(scores(), tmp_path / "whole", SCHEDULE)

    class Cut(Exception):
        pass

    def cut(step: int, _: dict[str, float]) -> None:
        if step == 2:
            raise Cut

    with pytest.raises(Cut):
        train_judge(scores(), tmp_path / "cut", SCHEDULE, cut)
    again = train_judge(scores(), tmp_path / "cut", SCHEDULE)
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    with pytest.raises(RequestError, match="another schedule"):
        train_judge(scores(), tmp_path / "cut", replace(SCHEDULE, seed=2))
    with pytest.raises(RequestError, match="more than 500 notes"):
        train_judge(scores(), tmp_path / "new", replace(SCHEDULE, notes=500))


@pytest.mark.slow
def test_what_is_learned_by_heart_surprises_it_less(tmp_path):
    judge = train_judge(scores(), tmp_path / "run", replace(SCHEDULE, steps=60, batch=8, rate=5e-3))
    at = hole(figure(10, shift=1))
    learned = verdict(judge, Filled(at, at.composed()))
    moved = verdict(judge, Filled(at, WRITERS["the same pitches, shuffled"](at)))
    assert learned.inside < moved.inside - 1.0
    assert learned.after < 13.0
    assert sum(judge_training.held_out_bits(judge, scores(), SCHEDULE)) < 14.0


def test_the_judge_that_ships_always_says_the_same_and_prefers_music():
    judge = load_judge()
    at = hole()
    composed, shuffled = (Filled(at, WRITERS[name](at)) for name in ("what was composed", "the same pitches, shuffled"))
    first, second = verdicts(judge, [composed]), verdicts(judge, [composed])
    assert first == second
    assert first[0] < verdicts(judge, [shuffled])[0]
    assert verdicts(judge, [filled([])])[0] is None
    assert len(fingerprint()) == 12


def test_written_weights_are_read_again(tmp_path):
    torch.manual_seed(1)
    judge = Judge()
    write_judge(tmp_path / "judge.safetensors", judge)
    for name, value in load_judge(tmp_path / "judge.safetensors").state_dict().items():
        assert torch.allclose(value, judge.state_dict()[name], rtol=0.01, atol=1e-3), name
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_judge(tmp_path / "broken.safetensors")


def test_the_area_under_the_curve():
    label = np.array([0, 0, 1, 1])
    assert auc(label, np.array([0.1, 0.2, 0.3, 0.4])) == 1.0
    assert auc(label, np.array([0.4, 0.3, 0.2, 0.1])) == 0.0
    assert auc(label, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5
    assert auc(label, np.array([0.1, 0.3, 0.2, 0.4])) == 0.75


@pytest.mark.slow
def test_what_is_the_same_cannot_be_told_apart_and_noise_always_can(monkeypatch):
    from diffroll_live.evaluation.composing import classifier

    monkeypatch.setattr(classifier, "TREES", 20)
    members = [hole(figure(10, number % 5), piece=str(number), seed=number) for number in range(12)]
    composed = [Filled(at, at.composed()) for at in members]
    noise = [
        filled([(7 * i, 40 + (i * i + at.seed) % 50, 5) for i in range(25)], piece=at.excerpt.piece) for at in members
    ]
    told = told_apart(composed, noise)
    assert told is not None
    assert (told.low, told.auc, told.high) == (1.0, 1.0, 1.0)
    same = told_apart(composed, [Filled(at, at.composed()) for at in members])
    assert same is not None
    assert same.low <= same.auc <= same.high < 0.9
    assert told_apart(composed[:1], noise[:1]) is None, "of one piece nothing can be learned"
