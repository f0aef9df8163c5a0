"""Lightning checkpoints: what is read, what is refused, and the model folder that comes of one."""

from __future__ import annotations

import io
import os
import pickle
import resource
import subprocess
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.paths import GOLDEN
from torch import nn

from diffroll_live.errors import CheckpointError, FileError, FileMissing
from diffroll_live.model.checkpoints.folder import find_model
from diffroll_live.model.checkpoints.lightning import import_checkpoint, read_lightning
from diffroll_live.model.checkpoints.lightning_values import plain_value
from diffroll_live.model.checkpoints.weights import load_into, load_weights
from diffroll_live.model.networks.diffroll import DiffRoll, DiffRollConfig

CHECKPOINT = GOLDEN / "dev.ckpt"
Entries = dict[str, bytes]


def save(path: Path, **content: Any) -> Path:
    torch.save(content, path)
    return path


def rewrite(path: Path, change: Callable[[Entries], Any], source: Path = CHECKPOINT) -> Path:
    """Copy a checkpoint with its entries changed; the names have no root folder."""
    with zipfile.ZipFile(source) as old:
        entries = {name.partition("/")[2]: old.read(name) for name in old.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w") as new:
        for name, data in entries.items():
            new.writestr(f"dev/{name}", data)
    return path


def with_pickle(path: Path, data: bytes) -> Path:
    return rewrite(path, lambda entries: entries.update({"data.pkl": data}))


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


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda entries: entries.pop("data/4"), "not of the declared size"),
        (lambda entries: entries.update({"data/4": entries["data/4"][:-4]}), "not of the declared size"),
        (lambda entries: entries.update({"byteorder": b"big"}), "big-endian"),
        (lambda entries: entries.update({"data.pkl": entries["data.pkl"][:-100]}), "damaged"),
        (lambda entries: entries.update({f"x{index}": b"" for index in range(20_001)}), "too many entries"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, change: Callable[[Entries], Any], match: str) -> None:
    with pytest.raises(CheckpointError, match=match):
        read_lightning(rewrite(tmp_path / "odd.ckpt", change))


def test_packed_entries_are_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.ckpt"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("dev/data.pkl", bytes(1_000_000))
    with pytest.raises(CheckpointError, match="packed"):
        read_lightning(bomb)


class Describe:
    """Pickles as a tensor of a 4-float storage, described in any way one likes."""

    def __init__(self, offset: Any, size: Any, stride: Any) -> None:
        self.description = (offset, size, stride)

    def __reduce__(self) -> tuple[Any, ...]:
        return torch._utils._rebuild_tensor_v2, (FOUR_FLOATS, *self.description, False, OrderedDict())


FOUR_FLOATS = object()


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return ("storage", torch.FloatStorage, "0", "cpu", 4) if obj is FOUR_FLOATS else None


@pytest.mark.parametrize(
    ("offset", "size", "stride", "match"),
    [
        (0, (5,), (1,), "beyond its storage"),
        (1, (4,), (1,), "beyond its storage"),
        (0, (2, 2), (3, 1), "beyond its storage"),
        (0, (5, 5), (0, 0), "beyond its storage"),
        (0, (10**12,), (0,), "beyond its storage"),
        (0, (2**41,), (0,), "impossible shape"),
        (-1, (2,), (1,), "impossible shape"),
        (0, (-2,), (1,), "impossible shape"),
        (0, (2,), (-1,), "impossible shape"),
        (0, (2.0,), (1,), "impossible shape"),
        (0, (2,), (1, 1), "impossible shape"),
        (0, "22", (1, 1), "impossible shape"),
        (0, (1,) * 9, (1,) * 9, "impossible shape"),
    ],
)
def test_shapes_that_lie_are_refused(tmp_path: Path, offset: Any, size: Any, stride: Any, match: str) -> None:
    buffer = io.BytesIO()
    content = {"state_dict": {"a": Describe(offset, size, stride)}, "hyper_parameters": {}}
    Pickler(buffer, 2).dump(content)
    path = tmp_path / "odd.ckpt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("dev/data.pkl", buffer.getvalue())
        file.writestr("dev/data/0", bytes(16))
    with pytest.raises(CheckpointError, match=match):
        read_lightning(path)


def test_one_storage_cannot_be_read_without_end(tmp_path: Path) -> None:
    big = torch.zeros(100_000)
    many = {f"w{index}": big[index:] for index in range(20)}
    with pytest.raises(CheckpointError, match="more numbers than it holds"):
        read_lightning(save(tmp_path / "many.ckpt", state_dict=many, hyper_parameters={}))


class Command:
    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.touched}",)


@pytest.mark.parametrize("where", ["state_dict", "hyper_parameters", "callbacks"])
def test_smuggled_code_is_refused_wherever_it_hides(tmp_path: Path, where: str) -> None:
    touched = tmp_path / "touched"
    content: dict[str, Any] = {"state_dict": {"a": torch.zeros(1)}, "hyper_parameters": {}, "callbacks": {}}
    content[where] = {**content[where], "deep": [{"x": (Command(touched),)}]}
    with pytest.raises(CheckpointError, match=r"system"):
        read_lightning(save(tmp_path / "evil.ckpt", **content))
    assert not touched.exists()


def test_torch_s_own_dangerous_helpers_are_refused(tmp_path: Path) -> None:
    for name in (
        b"torch\nload",
        b"torch._utils\n_import_dotted_name",
        b"torch.hub\nload",
        b"omegaconf.omegaconf\nOmegaConf",
    ):
        payload = b"c" + name + b"\n(X\x01\x00\x00\x00atR."
        with pytest.raises(CheckpointError, match="refused and nothing of it was run"):
            read_lightning(with_pickle(tmp_path / "evil.ckpt", payload))


def test_settings_that_unfold_without_end_are_refused() -> None:
    laughs: Any = ["ha"] * 10
    for _ in range(12):
        laughs = [laughs] * 10
    with pytest.raises(CheckpointError, match="too many"):
        plain_value(laughs)
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(CheckpointError, match="too deep"):
        plain_value(ring)


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
    assert not (out / "mine.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["dev"]


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """No file may grow beyond ``n_bytes``: what a full disk is like, without filling one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path: Path) -> None:
    with largest_file(100_000), pytest.raises(FileError, match="free some space"):
        import_checkpoint(CHECKPOINT, tmp_path / "dev")
    assert list(tmp_path.iterdir()) == []


def resaved(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> Path:
    state_dict, hyper_parameters = read_lightning(CHECKPOINT)
    change(state_dict, hyper_parameters)
    return save(path, state_dict=state_dict, hyper_parameters=hyper_parameters)


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
