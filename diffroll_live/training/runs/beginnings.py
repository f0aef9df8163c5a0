"""The initial weights of a run: from another run, or from a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from diffroll_live.errors import CheckpointError, RequestError
from diffroll_live.model.checkpoints.folder import find_model
from diffroll_live.model.checkpoints.weights import check_fit, load_weights
from diffroll_live.training.runs.states import STATE, read_state


def begin_from(source: str, network: nn.Module) -> None:
    """Load the averaged weights of the run in the folder ``source``, or the weights of the model of that name.

    Raises FileError or CheckpointError for what cannot be read, RequestError for weights of another network.
    """
    weights = {name: value.float() for name, value in _weights(source).items()}
    try:
        check_fit(network, weights)
    except CheckpointError as error:
        raise RequestError(f"{source} holds a different network from the one to train: {error.text}") from error
    network.load_state_dict(weights)


def _weights(source: str) -> dict[str, Tensor]:
    run = Path(source) / STATE
    if run.is_file():
        averaged: dict[str, Any] = read_state(run)["averaged"]
        return averaged
    return load_weights(find_model(source))
