"""The sustain pedal as training material: what is drawn, and what the loss makes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.training_material import SMALL, Folders
from support.training_runs import run

from diffroll_live.errors import RequestError
from diffroll_live.model.checkpoints.folder import find_model
from diffroll_live.model.checkpoints.weights import load_weights
from diffroll_live.model.networks.compact import Compact
from diffroll_live.music.roll import N_PITCHES, RollGeometry
from diffroll_live.training.examples.batches import Batch, batch_of, pedal_target
from diffroll_live.training.examples.masks import Masks
from diffroll_live.training.examples.windows import LEAD, WindowMaker
from diffroll_live.training.processes import Draws
from diffroll_live.training.runs.beginnings import begin_from
from diffroll_live.training.runs.objective import losses, pitch_weights
from diffroll_live.training.runs.subjects import compact, subject_of
from diffroll_live.training.runs.trainer import Schedule, Trainer

pytest_plugins = ["support.training_fixtures"]
GEOMETRY = RollGeometry(16_000, 256)
SECONDS = 1.024
HEARING = replace(SMALL, pedal_width=4)


def test_the_pedal_is_drawn_frame_by_frame():
    drawn = pedal_target(np.array([[-0.5, 0.08], [0.32, 9.0]]), GEOMETRY, 40)
    assert drawn.tolist() == [1.0] * 5 + [0.0] * 15 + [1.0] * 20
    assert set(pedal_target(None, GEOMETRY, 40).tolist()) == {0.5}


def test_windows_know_their_pedal(folders: Folders):
    """In the pedalled collection it is up for 0.2 s in every 2; a window without notes has none."""
    material = replace(folders.material, without=("plain",), rule_share=0.0, empty_share=0.0, stretch=1.0)
    maker = WindowMaker(material)
    share = np.mean([pedal_target(maker.plan(3, n).pedal, GEOMETRY, 512).mean() for n in range(20)])
    assert 0.4 < share < 0.95
    pedal = maker.plan(3, 0).pedal
    assert pedal is not None
    assert (pedal[:, 0] < pedal[:, 1]).all()
    assert pedal.min() >= -LEAD - 2.0
    empty = WindowMaker(replace(material, empty_share=1.0)).plan(3, 0)
    assert empty.pedal is not None
    assert len(empty.pedal) == 0


@pytest.fixture(scope="module")
def batch(folders: Folders) -> Batch:
    maker = WindowMaker(replace(folders.material, seconds=SECONDS, empty_share=0.0))
    return batch_of([maker.window(0, number) for number in range(4)], GEOMETRY, SECONDS)


def pedal_loss(batch: Batch, target: float, audio: float = 1.0) -> float:
    torch.manual_seed(0)
    network = Compact(HEARING)
    features = torch.randn(4, SMALL.n_features, 64)
    masks = Masks(torch.full((4, 1, 64), audio), torch.zeros(4, N_PITCHES, 64))
    asked = batch | {"pedal": torch.full((4, 1, 64), target)}
    draws = Draws(torch.Generator().manual_seed(3))
    return float(losses(network, features, asked, masks, draws)["pedal"].detach())


def test_what_nobody_knows_or_hears_of_the_pedal_costs_nothing(batch: Batch):
    assert pedal_loss(batch, 1.0) > 0.1
    assert pedal_loss(batch, 0.5) == 0.0
    assert pedal_loss(batch, 1.0, audio=0.0) == 0.0


def test_notes_that_are_less_trusted_count_less(batch: Batch):
    network = Compact(SMALL)
    features = torch.randn(4, SMALL.n_features, 64)
    masks = Masks(torch.ones(4, 1, 64), torch.zeros(4, N_PITCHES, 64))
    found = []
    for trust in (1.0, 0.5):
        draws = Draws(torch.Generator().manual_seed(3))
        given = batch | {"trust": torch.full((4,), trust)}
        found.append(float(losses(network, features, given, masks, draws)["draft_onset"].detach()))
    assert found[1] == pytest.approx(0.5 * found[0], rel=1e-4)


def test_the_bass_counts_more():
    weights = pitch_weights(torch.device("cpu"))[:, 0].tolist()
    assert weights[0] == 2.0
    assert sorted(weights, reverse=True) == weights
    assert set(weights[36:]) == {1.0}


@pytest.mark.slow
def test_the_head_learns(batch: Batch):
    """A few steps on one batch in which loud frames are those with the pedal down."""
    trainer = Trainer(compact(HEARING), Schedule(40, batch=4, warm_up=1, precision="float32"), "cpu")
    down = torch.zeros(4, 1, 64)
    down[:, :, 32:] = 1.0
    time = torch.arange(16_384) / 16_000
    loud = torch.where(time > SECONDS / 2, 0.3, 0.01) * torch.sin(2 * torch.pi * 300 * time)
    asked = batch | {"pedal": down, "samples": loud.expand(4, -1), "edge": torch.full((4,), 64)}
    lost = [trainer.learn(asked)["pedal"] for _ in range(12)]
    assert lost[-1] < 0.8 * lost[0]


@pytest.mark.slow
def test_a_new_head_begins_anew_on_older_weights(folders, tmp_path):
    older = run(replace(folders.material, seconds=SECONDS), tmp_path / "older", Schedule(2, batch=2, warm_up=1))
    network = Compact(HEARING)
    fresh = network.state_dict()["encoder.pedal.enter.weight"].clone()
    begin_from(str(tmp_path / "older"), network)
    for name, value in older.averaged.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name
    assert torch.equal(network.state_dict()["encoder.pedal.enter.weight"], fresh)
    with pytest.raises(RequestError, match="a different network"):
        begin_from(str(tmp_path / "older"), Compact(replace(HEARING, width=8)))


def test_the_shipped_weights_have_their_place_in_what_is_trained():
    network = Compact(subject_of("compact").config)
    begin_from("compact", network)
    weights = load_weights(find_model("compact"))
    assert network.encoder.pedal is not None
    assert weights.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        assert torch.equal(value, weights[name].float()), name
