"""The one command that rebuilds the weights that ship, on a little material."""

from __future__ import annotations

import json
import runpy
import shutil
from functools import partial

import pytest
from support.paths import ROOT
from support.training_material import HEARD, SMALL, UNHEARD

from diffroll_live.model.checkpoints.folder import find_model, verify
from diffroll_live.training.runs import loop
from diffroll_live.training.runs.subjects import compact

pytest_plugins = ["support.training_fixtures"]
SCRIPT = ROOT / "script" / "train-compact"


@pytest.mark.slow
def test_a_model_is_rebuilt_from_a_folder_of_material(folders, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loop, "train", partial(loop.train, subject=compact(SMALL)))
    (tmp_path / "card.md").write_text("# a card\n")
    main = runpy.run_path(str(SCRIPT))["main"]
    model, work = tmp_path / "models/mine", tmp_path / "work"
    arguments = [str(folders.samples.parent), str(model), "--card", str(tmp_path / "card.md"), "--work", str(work)]
    arguments += ["--steps", "1", "--roll-steps", "1", "--clips", "1", "--device", "cpu"]
    arguments += ["--piano", HEARD, "--unheard", UNHEARD]
    training = ["--", "--batch", "1", "--workers", "0", "--threads", "1", "--seconds", "0.5"]
    assert main([*arguments, *training]) == 1
    assert "piano-samples" in capsys.readouterr().err, "it prepares what is not prepared, and here it cannot"
    shutil.copytree(folders.work, work, dirs_exist_ok=True)
    assert main([*arguments, *training]) == 0, capsys.readouterr().err
    verify(find_model(model))
    config = json.loads((model / "config.json").read_text())
    assert 0 < config["decode"]["onset_threshold"] < 1
    assert config["training"]["begun_from"] == "mine-rolls"
    assert main([*arguments, *training, "--stage", "loud"]) == 1
    assert "no stage 'loud'" in capsys.readouterr().err
