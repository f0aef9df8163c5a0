"""Weights in and out of model folders, and every way in which they can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support.model_folders import CONFIG, write_sums
from torch import nn

from diffroll_live.errors import CheckpointError, ChecksumMismatch, FileError
from diffroll_live.model.checkpoints.folder import ModelFolder, read_folder
from diffroll_live.model.checkpoints.weights import load_into, load_weights, write_model

WEIGHTS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])}


@pytest.fixture
def model(tmp_path: Path) -> ModelFolder:
    return write_model(tmp_path / "tiny", WEIGHTS, CONFIG, "# tiny\n")


def test_weights_come_back(model: ModelFolder) -> None:
    loaded = load_weights(model)
    assert loaded.keys() == WEIGHTS.keys()
    assert all(torch.equal(loaded[name], each) for name, each in WEIGHTS.items())


def test_dtype_converts_floats_only(model: ModelFolder) -> None:
    loaded = load_weights(model, dtype=torch.bfloat16)
    assert loaded["a"].dtype == torch.bfloat16
    assert loaded["b"].dtype == torch.int64


def test_shards_are_merged(model: ModelFolder) -> None:
    save_file({"c": torch.ones(2)}, model.path / "weights-2.safetensors")
    write_sums(model.path)
    loaded = load_weights(read_folder(model.path))
    assert sorted(loaded) == ["a", "b", "c"]


def test_shards_may_not_repeat_a_name(model: ModelFolder) -> None:
    save_file({"a": torch.ones(2)}, model.path / "weights-2.safetensors")
    write_sums(model.path)
    with pytest.raises(CheckpointError, match="repeats the weights 'a'"):
        load_weights(read_folder(model.path))


def test_altered_and_truncated_weights_are_told_by_their_sum(model: ModelFolder) -> None:
    path = model.path / "weights.safetensors"
    data = path.read_bytes()
    for damaged in (data[:-1], data[:-1] + b"\xff"):
        path.write_bytes(damaged)
        with pytest.raises(ChecksumMismatch, match=r"expected .* got"):
            load_weights(model)


@pytest.mark.parametrize("data", [b"", b"\xff" * 64, b"\x80\x02}."])
def test_a_file_of_another_kind_is_refused_even_with_the_right_sum(model: ModelFolder, data: bytes) -> None:
    (model.path / "weights.safetensors").write_bytes(data)
    write_sums(model.path)
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        load_weights(read_folder(model.path))


def test_missing_weights_are_named(model: ModelFolder) -> None:
    (model.path / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"Cannot read .*weights\.safetensors"):
        load_weights(model)


def test_weights_become_the_network_s_own() -> None:
    with torch.device("meta"):
        network = nn.Linear(3, 2)
    load_into(network, {"weight": torch.ones(2, 3), "bias": torch.zeros(2)})
    assert network(torch.ones(3)).tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ({"weight": torch.ones(2, 3)}, "lack 'bias'"),
        ({"weight": torch.ones(2, 3), "bias": torch.ones(2), "scale": torch.ones(2)}, "has no 'scale'"),
        ({"weight": torch.ones(3, 2), "bias": torch.ones(2)}, r"weight is \(3, 2\), the network needs \(2, 3\)"),
    ],
)
def test_weights_that_do_not_fit(weights: dict[str, torch.Tensor], match: str) -> None:
    with pytest.raises(CheckpointError, match=match):
        load_into(nn.Linear(3, 2), weights)


def test_write_refuses_a_config_that_could_not_be_read_back(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="architecture"):
        write_model(tmp_path / "tiny", WEIGHTS, {**CONFIG, "architecture": "?"}, "")
    assert list(tmp_path.iterdir()) == []


def test_write_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="another folder"):
        write_model(tmp_path / "file" / "tiny", WEIGHTS, CONFIG, "")


def test_a_model_that_is_replaced_keeps_the_pictures_of_its_card(model: ModelFolder) -> None:
    for name in ("losses.png", "older.png"):
        (model.path / name).write_bytes(b"picture")
    card = "![Losses](losses.png)"
    write_model(model.path, WEIGHTS, CONFIG, card, overwrite=True)
    assert (model.path / "losses.png").read_bytes() == b"picture"
    assert not (model.path / "older.png").exists()
    assert "png" not in (model.path / "SHA256SUMS").read_text()
