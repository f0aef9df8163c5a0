"""A run of the composer into a model folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from diffroll_live.errors import FileError
from diffroll_live.files.atomic import write_atomic
from diffroll_live.model.checkpoints.folder import COMPOSER_CONFIG, COMPOSER_WEIGHTS, ModelFolder, read_folder
from diffroll_live.model.checkpoints.weights import write_sums


def write_composer(folder: Path, weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> ModelFolder:
    """Put a composer, in bfloat16, into a model folder, in place of an older one. Raises FileError, CheckpointError."""
    halves = {name: value.to(torch.bfloat16).contiguous() for name, value in weights.items()}
    write_atomic(folder / COMPOSER_WEIGHTS, save(halves))
    write_atomic(folder / COMPOSER_CONFIG, (json.dumps(config, indent=2) + "\n").encode())
    try:
        write_sums(folder, {*read_folder(folder).sums, COMPOSER_WEIGHTS, COMPOSER_CONFIG})
    except OSError as error:
        raise FileError(f"Cannot write {folder} ({error}); free some space or choose another folder.") from error
    return read_folder(folder)
