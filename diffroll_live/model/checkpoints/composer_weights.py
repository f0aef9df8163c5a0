"""The composer of a model folder on disk: its configuration and its weights, beside those of the audio network."""

from __future__ import annotations

import json
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from diffroll_live.errors import CheckpointError
from diffroll_live.model.checkpoints.folder import COMPOSER_CONFIG, COMPOSER_WEIGHTS, ModelFolder


def read_composer(folder: ModelFolder, device: torch.device | str = "cpu") -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read the configuration and the float32 weights of a folder whose files have been verified.

    Raises CheckpointError when they are missing or cannot be read.
    """
    path = folder.path / COMPOSER_WEIGHTS
    if not folder.has_composer:
        raise CheckpointError(f"The model in {folder.path} has no composer; install a model that has one.")
    try:
        config = json.loads((folder.path / COMPOSER_CONFIG).read_text(encoding="utf-8"))
        weights = {name: value.float() for name, value in load_file(path, device=str(device)).items()}
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"The composer in {folder.path} cannot be read ({error}); install it again.") from error
    if not isinstance(config, dict) or not isinstance(config.get("network"), dict):
        raise CheckpointError(f"{folder.path / COMPOSER_CONFIG}: network must be an object.")
    return config, weights
