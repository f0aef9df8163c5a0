"""Where a run's first weights come from: another run, or a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from diffroll_live.errors import CheckpointError, RequestError
from diffroll_live.model.checkpoints.folder import find_model
from diffroll_live.model.checkpoints.weights import check_fit, load_weights
from diffroll_live.training.runs.states import STATE, read_state


def begin_from(source: str, network: nn.Module) -> None:
    """Give a network the averaged weights of the run in the folder ``source``, or those of the model so named.

    Raises FileError or CheckpointError for what cannot be read, RequestError for weights of another network.
    """
    weights = {name: value.float() for name, value in _weights(source).items()}
    try:
        check_fit(network, weights)
    except CheckpointError as error:
        raise RequestError(f"{source} holds another network than the one to train: {error.text}") from error
    network.load_state_dict(weights)


def _weights(source: str) -> dict[str, Tensor]:
    run = Path(source) / STATE
    if run.is_file():
        averaged: dict[str, Any] = read_state(run)["averaged"]
        return averaged
    return load_weights(find_model(source))
