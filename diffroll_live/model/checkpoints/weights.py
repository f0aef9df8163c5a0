"""Read and write the weights of model folders, as safetensors only; ``folder`` finds and checks them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from diffroll_live.errors import CheckpointError, FileError
from diffroll_live.model.checkpoints.folder import (
    COMPOSER_CONFIG,
    COMPOSER_WEIGHTS,
    ModelFolder,
    check_config,
    file_sha256,
    read_folder,
    verify,
)

WEIGHTS = "weights.safetensors"
SUMS = "SHA256SUMS"


def load_weights(
    folder: ModelFolder, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Load a model's weights after checking every file of its folder.

    Several safetensors files are merged. ``dtype`` converts the floating tensors; None keeps them as stored. Raises
    ChecksumMismatch for an altered or truncated file, CheckpointError for one that is missing or cannot be read.
    """
    verify(folder)
    merged: dict[str, Tensor] = {}
    for path in folder.weights:
        try:
            shard = load_file(path, device=str(device))
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path} is not a safetensors file ({error}); install the model again.") from error
        if twice := merged.keys() & shard.keys():
            raise CheckpointError(f"{path} repeats the weights {min(twice)!a}; install the model again.")
        merged.update(shard)
    return {name: _converted(each, dtype) for name, each in merged.items()}


def check_fit(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Compare names and shapes, without copying. Raises CheckpointError unless they are exactly the network's."""
    own = network.state_dict()
    if odd := own.keys() ^ weights.keys():
        kind = "they lack" if min(odd) in own else "it has no"
        raise CheckpointError(
            f"The weights do not fit the network that config.json describes: {kind} {min(odd)[:100]!a}."
        )
    for name, each in weights.items():
        if each.shape != own[name].shape:
            raise CheckpointError(
                f"The weights do not fit the network that config.json describes: {name} is "
                f"{tuple(each.shape)}, the network needs {tuple(own[name].shape)}."
            )


def load_into(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Make ``weights`` the network's own, with their device and dtype; nothing is copied.

    The network may have been built on the meta device; buffers that are not saved stay as they are. Raises
    CheckpointError unless names and shapes are exactly the network's.
    """
    check_fit(network, weights)
    network.load_state_dict(dict(weights), assign=True)


def write_model(
    folder: Path,
    weights: Mapping[str, Tensor],
    config: Mapping[str, Any],
    card: str,
    *,
    overwrite: bool = False,
    source: Path | None = None,
) -> ModelFolder:
    """Write a complete model folder, or nothing: it is built under another name, then renamed. A link is followed.

    ``source`` is the file that the weights came from. Raises FileError when ``folder`` exists and ``overwrite`` is not
    set, when ``source`` lies in it and would go with it, or when it cannot be written (a full disk);
    CheckpointError when ``folder.read_config`` would not accept ``config``.
    """
    check_config(config, "config.json")
    if folder.exists() and not overwrite:
        raise FileError(f"{folder} exists already; choose another name, or allow overwriting.")
    try:
        folder = folder.resolve()
        if source and source.resolve().is_relative_to(folder):
            raise FileError(f"{source} lies in {folder}, which would be replaced; choose another folder.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as work:
            new = Path(work) / "new"
            _fill(new, weights, config, card)
            if folder.exists():
                _keep(folder, new, card)
                folder.rename(Path(work) / "old")
            new.rename(folder)
    except (OSError, RuntimeError, SafetensorError) as error:  # a RuntimeError where links lead in a circle
        raise FileError(f"Cannot write {folder} ({error}); free some space or choose another folder.") from error
    return read_folder(folder)


def _fill(new: Path, weights: Mapping[str, Tensor], config: Mapping[str, Any], card: str) -> None:
    new.mkdir()
    save_file({name: each.contiguous() for name, each in weights.items()}, new / WEIGHTS)
    (new / "config.json").write_text(json.dumps(config, indent=2, sort_keys=False) + "\n", encoding="utf-8")
    (new / "CARD.md").write_text(card, encoding="utf-8")
    (new / WEIGHTS).chmod(0o644)  # safetensors makes it private to its owner
    write_sums(new, [path.name for path in new.iterdir()])


def _keep(old: Path, new: Path, card: str) -> None:
    """Take the composer of an older folder along, and the pictures beside it that the card shows."""
    composer = [name for name in (COMPOSER_WEIGHTS, COMPOSER_CONFIG) if (old / name).is_file()]
    pictures = [path.name for path in old.glob("*.png") if f"({path.name})" in card]
    for name in composer + pictures:
        shutil.copy2(old / name, new / name)
    summed = (path.name for path in new.iterdir() if path.name != SUMS and path.name not in pictures)
    write_sums(new, summed)


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """Write SHA256SUMS anew over these files of a folder. Raises OSError."""
    sums = "".join(f"{file_sha256(folder / name)}  {name}\n" for name in sorted(names))
    (folder / SUMS).write_text(sums, encoding="utf-8")


def _converted(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor
