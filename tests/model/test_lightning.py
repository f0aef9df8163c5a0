"""Lightning checkpoints: what is read of them, and files that are none or are damaged."""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from support.lightning_files import CHECKPOINT, save
from torch import nn

from diffroll_live.errors import CheckpointError, FileError, FileMissing
from diffroll_live.model.checkpoints.lightning import read_lightning


def test_reads_tensors_and_settings_of_the_golden_file() -> None:
    state_dict, hyper_parameters = read_lightning(CHECKPOINT)
    assert state_dict["input_projection.weight"].shape == (8, 88, 1)
    assert state_dict["mel_layer.spectrogram.window"].shape == (2048,)
    assert len(state_dict) == 52
    assert hyper_parameters["timesteps"] == 200
    assert hyper_parameters["norm_args"] == [0, 1, "imagewise"]
    assert hyper_parameters["spec_args"]["hop_length"] == 512
    assert hyper_parameters["sampling"] == {"type": "cfdg_ddpm_x0", "w": 0.5}
    assert hyper_parameters["inpainting_t"] is None


def test_reads_what_torch_saves_today(tmp_path: Path) -> None:
    tensors = {
        "plain": torch.randn(3, 4),
        "transposed": torch.randn(3, 4).T,
        "slice": torch.arange(10)[2:5],
        "half": torch.randn(4).half(),
        "brain": torch.randn(2, 2).bfloat16(),
        "flags": torch.tensor([True, False]),
        "number": torch.tensor(3.5),
        "nothing": torch.empty(0, 7),
        "parameter": nn.Parameter(torch.randn(2)),
    }
    path = save(tmp_path / "now.ckpt", state_dict=OrderedDict(tensors), hyper_parameters={"lr": 0.1, "sizes": (1, 2)})
    state_dict, hyper_parameters = read_lightning(path)
    assert hyper_parameters == {"lr": 0.1, "sizes": [1, 2]}
    assert list(state_dict) == list(tensors)
    for name, each in tensors.items():
        assert torch.equal(state_dict[name], each)
        assert state_dict[name].dtype == each.dtype
        assert state_dict[name].is_contiguous()
        assert not state_dict[name].requires_grad


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"hyper_parameters": {}}, "no state_dict"),
        ({"state_dict": {"a": torch.zeros(1)}}, "no hyper_parameters"),
        ({"state_dict": {}, "hyper_parameters": {}}, "not a dictionary of named tensors"),
        ({"state_dict": [1], "hyper_parameters": {}}, "not a dictionary of named tensors"),
        ({"state_dict": {1: torch.zeros(1)}, "hyper_parameters": {}}, "not a dictionary of named tensors"),
        ({"state_dict": {"a": "text"}, "hyper_parameters": {}}, "something other than a tensor"),
        ({"state_dict": {"a": torch.zeros(1)}, "hyper_parameters": 7}, "hyper_parameters .* not a dictionary"),
    ],
)
def test_a_checkpoint_without_its_parts_is_refused(tmp_path: Path, content: dict[str, Any], match: str) -> None:
    with pytest.raises(CheckpointError, match=match):
        read_lightning(save(tmp_path / "odd.ckpt", **content))


def test_files_that_are_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="no file"):
        read_lightning(tmp_path / "absent.ckpt")
    with pytest.raises(FileError, match="not a file"):
        read_lightning(tmp_path)
    text = tmp_path / "text.ckpt"
    text.write_text("not a checkpoint")
    with pytest.raises(CheckpointError, match="not a checkpoint in PyTorch's zip format"):
        read_lightning(text)
    plain_zip = tmp_path / "plain.ckpt"
    with zipfile.ZipFile(plain_zip, "w") as file:
        file.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match=r"no data\.pkl"):
        read_lightning(plain_zip)
    legacy = tmp_path / "legacy.ckpt"
    torch.save({"state_dict": {}}, legacy, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"before PyTorch 1\.6"):
        read_lightning(legacy)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    data = CHECKPOINT.read_bytes()
    cut = tmp_path / "cut.ckpt"
    cut.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match="download or copy it again"):
        read_lightning(cut)


def test_an_altered_tensor_is_refused(tmp_path: Path) -> None:
    data = bytearray(CHECKPOINT.read_bytes())
    data[len(data) // 2] ^= 0xFF
    altered = tmp_path / "altered.ckpt"
    altered.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged at data/4 "):
        read_lightning(altered)
