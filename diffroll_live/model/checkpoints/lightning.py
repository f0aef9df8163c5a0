"""Read the PyTorch Lightning files in which DiffRoll was published, and turn one into a model folder.

No code in the file is run: its pickle is read as inert data, of which only tensors, plain values and OmegaConf's
settings are used. A file that names anything else is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffroll_live.errors import CheckpointError
from diffroll_live.model.checkpoints.folder import ModelFolder, file_sha256
from diffroll_live.model.checkpoints.lightning_values import ALLOWED, as_mapping, plain_value
from diffroll_live.model.checkpoints.torch_zip import TorchZip
from diffroll_live.model.checkpoints.weights import check_fit, write_model
from diffroll_live.model.networks.diffroll import DiffRoll, DiffRollConfig
from diffroll_live.model.networks.diffroll_mel import LogMel, MelConfig
from diffroll_live.model.schedules import LinearSchedule

_MEL_PREFIX = "mel_layer."


def read_lightning(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a Lightning checkpoint: its ``state_dict`` on the CPU, and its ``hyper_parameters`` as plain values.

    OmegaConf nodes become their contents; interpolations stay text. Raises FileMissing, FileError, and CheckpointError
    for a file that is damaged, names anything that such a file does not need, or lacks one of the two.
    """
    with TorchZip(path) as file:
        checkpoint = as_mapping(file.read_object(ALLOWED)) or {}
        for key in ("state_dict", "hyper_parameters"):
            if key not in checkpoint:
                raise CheckpointError(f"{path} has no {key}; choose a checkpoint saved by PyTorch Lightning.")
        described = as_mapping(checkpoint["state_dict"])
        if not described or not all(isinstance(name, str) for name in described):
            raise CheckpointError(f"The state_dict of {path} is not a dictionary of named tensors.")
        hyper_parameters = plain_value(checkpoint["hyper_parameters"])
        if not isinstance(hyper_parameters, dict):
            raise CheckpointError(f"The hyper_parameters of {path} are not a dictionary.")
        return {name: file.tensor(made) for name, made in described.items()}, hyper_parameters


def import_checkpoint(path: Path, out_folder: Path, name: str | None = None, *, overwrite: bool = False) -> ModelFolder:
    """Turn a published DiffRoll checkpoint into a model folder; ``name`` is the folder's own unless given.

    Raises CheckpointError when the file is not a DiffRoll that this program can run, FileError when the folder
    exists and may not be overwritten, or cannot be written.
    """
    weights, settings = read_lightning(path)
    config = _model_config(_Settings(path, settings), name or out_folder.name)
    _check_front_end(path, weights, MelConfig.from_mapping({**config, **config["front_end"]}))
    weights = {key: each for key, each in weights.items() if not key.startswith(_MEL_PREFIX)}
    if not all(each.isfinite().all() for each in weights.values()):
        raise CheckpointError(f"{path} has weights that are infinite or not a number; its training failed.")
    with torch.device("meta"):
        network = DiffRoll(DiffRollConfig.from_mapping(config["network"]))
    check_fit(network, weights)
    return write_model(out_folder, weights, config, _card(config, path), overwrite=overwrite, source=path)


class _Settings:
    """The hyperparameters of a file, by name and type."""

    def __init__(self, path: Path, values: Mapping[str, Any]) -> None:
        self._path = path
        self._values = values

    def whole(self, name: str) -> int:
        """A whole number. Raises CheckpointError."""
        return self._typed(name, int)

    def number(self, name: str) -> float:
        """A number. Raises CheckpointError."""
        return float(self._typed(name, int | float))

    def part(self, name: str) -> _Settings:
        """A group of settings. Raises CheckpointError."""
        return _Settings(self._path, self._typed(name, dict))

    def demand(self, name: str, wanted: Any) -> None:
        """Refuse the file unless a setting has the only supported value. Raises CheckpointError."""
        if self._values.get(name) != wanted:
            found = ascii(self._values.get(name))[:100]
            raise CheckpointError(f"{self._path} was trained with {name} = {found}; only {wanted!r} can be imported.")

    def _typed(self, name: str, kind: Any) -> Any:
        value = self._values.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise CheckpointError(
                f"{self._path} does not give its {name}; choose a checkpoint from DiffRoll's training."
            )
        return value


def _model_config(settings: _Settings, name: str) -> dict[str, Any]:
    settings.demand("unconditional", False)
    settings.demand("condition", "fixed")
    settings.demand("norm_args", [0, 1, "imagewise"])
    spec = settings.part("spec_args")
    for key, wanted in (("center", True), ("normalized", True), ("pad_mode", "reflect")):
        spec.demand(key, wanted)
    front_end: dict[str, float] = {key: spec.whole(key) for key in ("n_fft", "n_mels")}
    front_end |= {key: spec.number(key) for key in ("f_min", "f_max")}
    sizes = ("residual_channels", "residual_layers", "kernel_size", "dilation_base", "dilation_bound", "n_mels")
    schedule = LinearSchedule(settings.whole("timesteps"), settings.number("beta_start"), settings.number("beta_end"))
    return {
        "name": name,
        "version": "1",
        "architecture": "diffroll",
        "licence": "not stated in the file: check its source",
        "sample_rate": spec.whole("sample_rate"),
        "hop_length": spec.whole("hop_length"),
        "network": {key: settings.whole(key) for key in sizes} | {"steps": schedule.steps},
        "front_end": front_end,
        "decode": {"threshold": settings.number("frame_threshold")},
        "sampling": {
            "sampler": "ddpm",
            "steps": schedule.steps,
            "guidance": settings.part("sampling").number("w"),
            "beta_start": schedule.beta_start,
            "beta_end": schedule.beta_end,
        },
    }


def _check_front_end(path: Path, weights: Mapping[str, Tensor], config: MelConfig) -> None:
    """Compare the front end in the file with the one that its settings describe."""
    own = {f"{_MEL_PREFIX}{name.removeprefix('mel.')}": each for name, each in LogMel(config).state_dict().items()}
    for name, each in own.items():
        saved = weights.get(name)
        if saved is None or saved.shape != each.shape or not torch.allclose(saved.float(), each, atol=1e-5):
            raise CheckpointError(f"The front end in {path} ({name}) is not the one that its settings describe.")


def _card(config: Mapping[str, Any], path: Path) -> str:
    network = config["network"]
    return f"""# {config["name"]}

A DiffRoll network, {network["residual_layers"]} layers of {network["residual_channels"]} channels: a diffusion model of
piano rolls that transcribes, fills and generates. One channel of frames, without velocities.

* Imported from `{path.name}`, sha256 `{file_sha256(path)}`, with `diffroll-live import-checkpoint`.
* Audio: {config["sample_rate"]} Hz, {config["hop_length"]} samples a frame, {network["n_mels"]} mels.
* Licence: the file does not state one. Check the terms of the place it came from, and of the recordings it was trained
  on, before you share these weights or what you make with them.
* Paper: Cheuk et al., "DiffRoll: Diffusion-based Generative Music Transcription with Unsupervised Pretraining
  Capability", 2022.
"""
