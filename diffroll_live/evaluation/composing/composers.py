"""The composer that is measured: the model's own, one of another model, or one that is still being trained."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from diffroll_live.composer.network import Composer, ComposerConfig
from diffroll_live.engine.loading import load_composer
from diffroll_live.errors import CheckpointError
from diffroll_live.model.checkpoints.folder import read_folder, verify
from diffroll_live.model.checkpoints.weights import load_into
from diffroll_live.training.composing.run import PARTS
from diffroll_live.training.runs.states import STATE, read_state


def read_composer_from(folder: Path, device: torch.device) -> Composer:
    """Read the composer of a model folder, or the averaged weights of a run that may still be going on.

    Raises CheckpointError or FileError.
    """
    if (folder / STATE).is_file():
        state = read_state(folder / STATE, device, PARTS)
        network = Composer(ComposerConfig(**state["settings"]["network"]))
        load_into(network, state["averaged"])
        return network.to(device).eval().requires_grad_(False)
    model = read_folder(folder)
    verify(model)
    composer = load_composer(model, device)
    if composer is None:
        raise CheckpointError(f"The model in {folder} has no composer; name one that has, or a run of train-composer.")
    return composer


def fingerprint(composer: Composer) -> str:
    """Twelve hexadecimal digits that change with the weights."""
    digest = hashlib.sha256()
    for name, value in sorted(composer.state_dict().items()):
        digest.update(name.encode() + value.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]
