"""The model folder that comes of a Lightning checkpoint."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.full_disk import files_limited_to
from support.lightning_files import CHECKPOINT, save
from support.paths import GOLDEN

from diffroll_live.errors import CheckpointError, FileError
from diffroll_live.model.checkpoints.folder import find_model
from diffroll_live.model.checkpoints.lightning import import_checkpoint, read_lightning
from diffroll_live.model.checkpoints.weights import load_into, load_weights
from diffroll_live.model.networks.diffroll import DiffRoll, DiffRollConfig


def test_import_makes_a_model_that_answers_as_the_reference(tmp_path: Path) -> None:
    folder = import_checkpoint(CHECKPOINT, tmp_path / "dev")
    assert folder == find_model(tmp_path / "dev")
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "CARD.md",
        "SHA256SUMS",
        "config.json",
        "weights.safetensors",
    ]
    network = DiffRoll(DiffRollConfig.from_mapping(folder.config["network"]))
    load_into(network, load_weights(folder))
    with np.load(GOLDEN / "dev.npz") as golden, torch.inference_mode():
        condition = network.condition(torch.from_numpy(golden["spec_normalised"]))
        x0 = network.denoiser(condition)(torch.from_numpy(golden["x_T"]), 57)
        np.testing.assert_allclose(x0.numpy(), golden["forward_cond_t57"], atol=1e-4)


def test_import_says_what_it_made(tmp_path: Path) -> None:
    folder = import_checkpoint(CHECKPOINT, tmp_path / "dev", name="my-diffroll")
    assert folder.name == "my-diffroll"
    assert folder.config["architecture"] == "diffroll"
    assert folder.config["front_end"] == {"n_fft": 2048, "n_mels": 229, "f_min": 0.0, "f_max": 8000.0}
    assert folder.config["sampling"]["guidance"] == 0.5
    card = (folder.path / "CARD.md").read_text()
    assert "dev.ckpt" in card
    assert "Licence: the file does not state one" in card
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder.path, check=True, capture_output=True)
    assert (folder.path.stat().st_mode & 0o777) == (tmp_path.stat().st_mode | 0o055) & 0o777 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_import_overwrites_only_when_told(tmp_path: Path) -> None:
    out = tmp_path / "dev"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    with pytest.raises(FileError, match="exists already"):
        import_checkpoint(CHECKPOINT, out)
    assert (out / "mine.txt").read_text() == "precious"
    import_checkpoint(CHECKPOINT, out, overwrite=True)
    link = tmp_path / "link"
    link.symlink_to(out)
    import_checkpoint(CHECKPOINT, link, overwrite=True)
    assert link.is_symlink()
    assert (out / "config.json").is_file()
    assert not (out / "mine.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev", "link"]


def test_a_checkpoint_is_not_replaced_by_what_is_made_of_it(tmp_path: Path) -> None:
    checkpoint = tmp_path / "mine" / "dev.ckpt"
    checkpoint.parent.mkdir()
    shutil.copy(CHECKPOINT, checkpoint)
    for out in (checkpoint, checkpoint.parent):
        with pytest.raises(FileError, match="would be replaced"):
            import_checkpoint(checkpoint, out, overwrite=True)
    assert checkpoint.read_bytes() == Path(CHECKPOINT).read_bytes()


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path: Path) -> None:
    with files_limited_to(100_000), pytest.raises(FileError, match="free some space"):
        import_checkpoint(CHECKPOINT, tmp_path / "dev")
    assert list(tmp_path.iterdir()) == []


def resaved(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> Path:
    state_dict, hyper_parameters = read_lightning(CHECKPOINT)
    change(state_dict, hyper_parameters)
    return save(path, state_dict=state_dict, hyper_parameters=hyper_parameters)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda _, settings: settings.update(unconditional=True), "unconditional = True"),
        (lambda _, settings: settings.update(condition="trainable_spec"), "condition = 'trainable_spec'"),
        (lambda _, settings: settings.update(norm_args=[-1, 1, "framewise"]), "norm_args"),
        (lambda _, settings: settings["spec_args"].update(center=False), "center = False"),
        (lambda _, settings: settings.pop("kernel_size"), "does not give its kernel_size"),
        (lambda _, settings: settings.update(residual_layers="5"), "does not give its residual_layers"),
        (lambda _, settings: settings.update(kernel_size=7), "do not fit the network"),
        (lambda _, settings: settings.update(residual_layers=6), "lack 'residual_layers.5"),
        (lambda _, settings: settings.update(residual_layers=10**9), "residual_layers in 1..256"),
        (lambda _, settings: settings.update(residual_channels=4096, residual_layers=256), "do not fit the network"),
        (lambda _, settings: settings["spec_args"].update(f_max=7000), "front end"),
        (lambda _, settings: settings["spec_args"].update(n_fft=10**9), "front end"),
        (lambda weights, _: weights.pop("skip_projection.bias"), "lack 'skip_projection.bias'"),
        (lambda weights, _: weights.update(extra=torch.zeros(1)), "has no 'extra'"),
        (lambda weights, _: weights["skip_projection.bias"].fill_(float("nan")), "not a number"),
    ],
)
def test_import_refuses_networks_that_it_cannot_run(
    tmp_path: Path, change: Callable[[dict[str, Any], dict[str, Any]], Any], match: str
) -> None:
    path = resaved(tmp_path / "other.ckpt", change)
    with pytest.raises(CheckpointError, match=match):
        import_checkpoint(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
