"""The initial weights of a run: from another run, or from a model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from diffroll_live.errors import RequestError
from diffroll_live.model.checkpoints.folder import find_model
from diffroll_live.model.checkpoints.weights import load_weights
from diffroll_live.training.runs.states import STATE, read_state

logger = logging.getLogger(__name__)


def begin_from(source: str, network: nn.Module) -> None:
    """Load the averaged weights of the run in the folder ``source``, or the weights of the model of that name.

    Every one of them must have its place. What else the network has, such as a new head, begins anew.
    Raises FileError or CheckpointError for what cannot be read, RequestError for weights of another network.
    """
    weights = {name: value.float() for name, value in _weights(source).items()}
    own = network.state_dict()
    if odd := [name for name, value in weights.items() if name not in own or own[name].shape != value.shape]:
        raise RequestError(
            f"{source} holds a different network from the one to train, which has no place for {odd[0][:100]!a}."
        )
    network.load_state_dict(weights, strict=False)
    if new := sorted(own.keys() - weights.keys()):
        logger.info("%s has no %s; these begin anew", source, ", ".join(new))


def _weights(source: str) -> dict[str, Tensor]:
    run = Path(source) / STATE
    if run.is_file():
        averaged: dict[str, Any] = read_state(run)["averaged"]
        return averaged
    return load_weights(find_model(source))
