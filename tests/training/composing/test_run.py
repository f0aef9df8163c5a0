"""Training the composer: the same however often it is cut off, refused when begun otherwise, and exported."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.passages import bars_of_four, music
from support.tiny import COMPOSER as SMALL
from support.tiny import write_tiny_model

from diffroll_live.errors import CheckpointError, FileMissing, RequestError
from diffroll_live.model.checkpoints.composer_weights import read_composer
from diffroll_live.model.checkpoints.folder import read_folder, verify
from diffroll_live.model.checkpoints.weights import write_sums
from diffroll_live.training.composing import run
from diffroll_live.training.composing.export import write_composer
from diffroll_live.training.composing.muon import orthogonal
from diffroll_live.training.composing.passages import Passages
from diffroll_live.training.composing.scores import GRIDS, read_scores

SCHEDULE = run.Schedule(4, batch=2, warm_up=2)


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """A folder like the shipped material, of two small pieces in each of its files."""
    folder = tmp_path / "score-grid"
    folder.mkdir()
    grid = bars_of_four(12)
    for number, (arrays, manifest) in enumerate(GRIDS):
        pieces = [music(grid, seed=2 * number + piece, share=0.03) for piece in range(2)]
        notes = np.concatenate(pieces)
        sizes = np.cumsum([0, *map(len, pieces)])
        np.savez(
            folder / arrays,
            onset=grid.tick[notes[:, 0]],
            duration=notes[:, 2],
            pitch=notes[:, 1] + 21,
            velocity=notes[:, 3],
            bar=np.tile(np.arange(12) * 96, 2),
            beats=np.full(24, 4),
            beat_type=np.full(24, 4),
            note_begin=sizes,
            bar_begin=np.array([0, 12, 24]),
            tempo=np.array([100.0, 0.0]),
        )
        with (folder / manifest).open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["file", "corpus", "split"])
            writer.writerows([[f"{number}-{piece}.mid", "made", "train"] for piece in range(2)])
    return folder


@pytest.fixture(autouse=True)
def small_and_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "ComposerConfig", lambda: SMALL)
    monkeypatch.setattr(run, "SAVE_EVERY", 1)
    monkeypatch.setattr(run, "REPORT_EVERY", 1)


class Cut(Exception):
    pass


@pytest.mark.slow
def test_a_run_that_was_cut_off_ends_with_the_same_weights(scores, tmp_path):
    whole = run.train_composer(scores, tmp_path / "whole", SCHEDULE)

    def cut(step: int, _: dict[str, float]) -> None:
        if step == 3:
            raise Cut

    with pytest.raises(Cut):
        run.train_composer(scores, tmp_path / "cut", SCHEDULE, report=cut)
    again = run.train_composer(scores, tmp_path / "cut", SCHEDULE)
    assert again.step == whole.step == 4
    for name, value in whole.averaged.items():
        assert torch.equal(again.averaged[name], value), name
    lines = (tmp_path / "cut/losses.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "1", "2", "3", "4"]


def test_a_run_is_resumed_only_as_it_was_begun(scores, tmp_path):
    run.train_composer(scores, tmp_path / "run", replace(SCHEDULE, steps=1))
    with pytest.raises(RequestError, match="seed = 0, not 1"):
        run.train_composer(scores, tmp_path / "run", replace(SCHEDULE, steps=1, seed=1))
    assert run.train_composer(scores, tmp_path / "run", replace(SCHEDULE, steps=2)).step == 2


@pytest.mark.slow
def test_a_new_run_begins_with_the_weights_of_another(scores, tmp_path):
    first = run.train_composer(scores, tmp_path / "first", SCHEDULE)
    still = replace(SCHEDULE, steps=1, rate=0.0, muon_rate=0.0)
    second = run.train_composer(scores, tmp_path / "second", still, weights=first.averaged)
    for name, value in first.averaged.items():
        assert torch.allclose(second.averaged[name], value, atol=1e-6), name
    del first.averaged["point.weight"]  # as before there were pointers
    third = run.train_composer(scores, tmp_path / "third", still, weights=first.averaged)
    assert torch.allclose(third.averaged["keys.weight"], first.averaged["keys.weight"], atol=1e-6)


@pytest.mark.parametrize(("name", "why"), [("norm.weight", "not of a network of this size"), ("else", "has else")])
def test_weights_of_another_network_are_refused(scores, tmp_path, name, why):
    with pytest.raises(RequestError, match=why):
        run.train_composer(scores, tmp_path / "run", SCHEDULE, weights={name: torch.ones(7)})


def test_a_folder_without_scores_is_named(tmp_path):
    with pytest.raises(FileMissing, match="nowhere"):
        run.train_composer(tmp_path / "nowhere", tmp_path / "run", SCHEDULE)


@pytest.mark.slow
def test_the_losses_fall_on_what_is_learned_by_heart(scores):
    examples = next(run.batches_from(Passages(read_scores(scores)), SCHEDULE, 0))
    trainer = run.Trainer(SMALL, replace(SCHEDULE, steps=40), torch.device("cpu"))
    totals = [float(trainer.learn(examples).total.detach()) for _ in range(12)]
    assert totals[-1] < 0.9 * totals[0]


def test_a_composer_lies_beside_the_audio_network(scores, tmp_path):
    model = write_tiny_model(tmp_path / "tiny").path
    (model / "composer.json").unlink()
    write_sums(model, ["CARD.md", "config.json", "weights.safetensors"])
    with pytest.raises(CheckpointError, match="no composer"):
        read_composer(read_folder(model))
    trainer = run.train_composer(scores, tmp_path / "run", replace(SCHEDULE, steps=1))
    folder = write_composer(model, trainer.averaged, {"network": {"width": 64}})
    verify(folder)
    config, weights = read_composer(folder)
    assert config["network"] == {"width": 64}
    assert weights.keys() == trainer.averaged.keys()
    for name, value in weights.items():
        assert torch.allclose(value, trainer.averaged[name], atol=0.02, rtol=0.01)
    assert [path.name for path in folder.weights] == ["weights.safetensors"]


@pytest.mark.parametrize("shape", [(8, 8), (24, 8), (8, 24)])
def test_an_orthogonal_step_has_singular_values_of_about_one(shape):
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
    assert float(values.min()) > 0.3
    assert float(values.max()) < 1.4
