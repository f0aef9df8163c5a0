"""Export a run as a model folder: the averaged weights, their settings, and their card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffroll_live.errors import FileError, FileMissing, RequestError
from diffroll_live.model.checkpoints.folder import ModelFolder, find_model
from diffroll_live.model.checkpoints.weights import load_weights, write_model
from diffroll_live.training.runs.states import read_state

LICENCE = "CC-BY-4.0"


def export(
    state_path: Path,
    folder: Path,
    card: str,
    *,
    decode: dict[str, Any],
    sampling: dict[str, Any],
    version: str,
    blend: tuple[str, float] | None = None,
    overwrite: bool = False,
) -> ModelFolder:
    """Write the averaged weights of a run, in bfloat16, as a model folder; its name becomes the model's.

    ``decode`` and ``sampling`` are fields of the model's defaults that differ from the usual ones; ``blend`` is a model
    and its share, 0 to 1, of the weights that are written. Raises FileMissing or FileError for the run, FileError if
    the folder exists and may not be overwritten or cannot be written, CheckpointError for an invalid model name or a
    model to blend with that cannot be read, RequestError for one of another network.
    """
    state = read_state(state_path)
    averaged: dict[str, Tensor] = state["averaged"]
    training: dict[str, Any] = state.get("settings", {}) | {"steps": state["step"]}
    if training.get("begun_from"):
        training["begun_from"] = Path(training["begun_from"]).name
    if blend is not None:
        other = find_model(blend[0])
        averaged = blended(averaged, load_weights(other), blend[1])
        training["blend"] = {"model": other.name, "sha256": other.sha256, "share": blend[1]}
    weights = {name: value.to(torch.bfloat16) for name, value in averaged.items()}
    front_end = state["front_end"]
    config = {
        "name": folder.name,
        "version": version,
        "architecture": state.get("architecture", "compact"),
        "licence": LICENCE,
        "sample_rate": front_end["sample_rate"],
        "hop_length": front_end["hop_length"],
        "network": state["config"],
        "front_end": front_end,
        "decode": decode,
        "sampling": sampling,
        "training": training,
    }
    return write_model(folder, weights, config, card, overwrite=overwrite, source=state_path)


def blended(weights: Mapping[str, Tensor], other: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """The mean of two sets of weights, ``share`` of it the ``other``'s; what only ``weights`` has stays as it is.

    Where one was trained on from the other, what both know is kept, and what is new is not lost (Wortsman et al., arXiv
    2109.01903). Raises RequestError unless all of the other's weights have their place.
    """
    if odd := [name for name, each in other.items() if name not in weights or weights[name].shape != each.shape]:
        raise RequestError(f"The model to blend with is another network, which has a {min(odd)[:100]!a} of its own.")
    return {n: each.lerp(other[n].to(each), share) if n in other else each for n, each in weights.items()}


def read_card(path: Path) -> str:
    """Read a model's card. Raises FileMissing or FileError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise FileMissing(f"There is no card {path}; write one that says what the model was trained on.") from error
    except (OSError, ValueError) as error:
        raise FileError(f"The card {path} cannot be read ({error}); save it as UTF-8 text.") from error
