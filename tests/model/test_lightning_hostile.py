"""Lightning checkpoints that lie, or hide code: each is refused, and nothing of it is run."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.lightning_files import Entries, rewrite, save

from diffroll_live.errors import CheckpointError
from diffroll_live.model.checkpoints.lightning import read_lightning
from diffroll_live.model.checkpoints.lightning_values import plain_value


def with_pickle(path: Path, data: bytes) -> Path:
    return rewrite(path, lambda entries: entries.update({"data.pkl": data}))


@pytest.mark.slow
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
