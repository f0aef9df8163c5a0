"""A run that becomes a model."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from support.training_material import SMALL, UNHEARD, Folders
from support.training_runs import SCHEDULE, run

from diffroll_live.engine.loading import load_engine
from diffroll_live.errors import CheckpointError, FileError, FileMissing, RequestError
from diffroll_live.training.examples.windows import Material
from diffroll_live.training.runs.export import blended, export, read_card

pytest_plugins = ["support.training_fixtures"]


@pytest.fixture
def material(folders: Folders) -> Material:
    return replace(folders.material, seconds=0.512)


@pytest.mark.slow
def test_a_run_becomes_a_model(material, tmp_path):
    trainer = run(material, tmp_path / "run")
    (tmp_path / "card.md").write_text("# a card\n")
    decode = {"onset_threshold": 0.35, "frame_threshold": 0.4}
    folder = export(
        tmp_path / "run/state.pt",
        tmp_path / "mine",
        read_card(tmp_path / "card.md"),
        decode=decode,
        sampling={},
        version="1.2",
    )
    engine = load_engine(str(tmp_path / "mine"), "cpu", warm=False)
    assert (folder.name, engine.info.name, engine.info.version) == ("mine", "mine", "1.2")
    assert (engine.defaults.onset_threshold, engine.defaults.frame_threshold) == (0.35, 0.4)
    for name, value in engine.adapter.network.state_dict().items():
        assert torch.equal(value.float(), trainer.averaged.state_dict()[name].bfloat16().float()), name
    assert engine.adapter.network.config == SMALL
    assert (tmp_path / "mine/CARD.md").read_text() == "# a card\n"
    said = json.loads((tmp_path / "mine/config.json").read_text())["training"]
    assert said["steps"] == 6
    assert said["material"]["unheard"] == UNHEARD
    with pytest.raises(FileError, match="exists already"):
        export(tmp_path / "run/state.pt", tmp_path / "mine", "", decode={}, sampling={}, version="1")


def test_an_export_that_cannot_be(material, tmp_path):
    with pytest.raises(FileMissing, match="no saved run"):
        export(tmp_path / "state.pt", tmp_path / "mine", "", decode={}, sampling={}, version="1")
    with pytest.raises(FileMissing, match="no card"):
        read_card(tmp_path / "card.md")
    with pytest.raises(FileError, match="cannot be read"):
        read_card(tmp_path)
    run(material, tmp_path, replace(SCHEDULE, steps=1))
    with pytest.raises(CheckpointError, match="name must be"):
        export(tmp_path / "state.pt", tmp_path / "a name", "", decode={}, sampling={}, version="1")


@pytest.mark.slow
def test_a_run_is_blended_with_the_model_that_it_began_from(material, tmp_path):
    run(material, tmp_path / "run", replace(SCHEDULE, steps=1))
    given = {"card": "# a card\n", "decode": {}, "sampling": {"reading_steps": (1, 1, 1)}, "version": "1"}
    export(tmp_path / "run/state.pt", tmp_path / "before", **given)
    later = run(material, tmp_path / "later", begun_from=str(tmp_path / "before"))
    export(tmp_path / "later/state.pt", tmp_path / "both", **given, blend=(str(tmp_path / "before"), 0.25))
    before = load_engine(str(tmp_path / "before"), "cpu", warm=False).adapter.network.state_dict()
    both = load_engine(str(tmp_path / "both"), "cpu", warm=False)
    after = later.averaged.state_dict()
    for name, value in both.adapter.network.state_dict().items():
        expected = (0.75 * after[name] + 0.25 * before[name].float()).bfloat16()
        torch.testing.assert_close(value.bfloat16(), expected, msg=name)
    said = json.loads((tmp_path / "both/config.json").read_text())["training"]
    assert said["begun_from"] == "before", "no folder of the machine that trained it"
    assert (said["blend"]["model"], said["blend"]["share"]) == ("before", 0.25)
    assert both.defaults.reading_steps == (1, 1, 1)


def test_what_only_the_run_has_stays_and_another_network_is_refused():
    new, old = {"a": torch.ones(2), "head": torch.ones(3)}, {"a": torch.zeros(2)}
    mixed = blended(new, old, 0.5)
    assert mixed["a"].tolist() == [0.5, 0.5]
    assert mixed["head"].tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(RequestError, match="another network"):
        blended(new, {"a": torch.zeros(3)}, 0.5)
