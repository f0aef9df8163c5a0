"""Export a run as a model folder: the averaged weights, their settings, and their card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.model.checkpoints.folder import ModelFolder
from diffroll_live.model.checkpoints.weights import write_model
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
    overwrite: bool = False,
) -> ModelFolder:
    """Write the averaged weights of a run, in bfloat16, as a model folder; its name becomes the model's.

    ``decode`` and ``sampling`` are fields of the model's defaults that differ from the usual ones. Raises FileMissing
    or FileError for the run, FileError if the folder exists and may not be overwritten or cannot be written,
    CheckpointError for an invalid model name.
    """
    state = read_state(state_path)
    weights = {name: value.to(torch.bfloat16) for name, value in state["averaged"].items()}
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
        "training": state.get("settings", {}) | {"steps": state["step"]},
    }
    return write_model(folder, weights, config, card, overwrite=overwrite, source=state_path)


def read_card(path: Path) -> str:
    """Read a model's card. Raises FileMissing or FileError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise FileMissing(f"There is no card {path}; write one that says what the model was trained on.") from error
    except (OSError, ValueError) as error:
        raise FileError(f"The card {path} cannot be read ({error}); save it as UTF-8 text.") from error
