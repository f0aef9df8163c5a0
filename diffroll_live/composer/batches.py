"""Tokens of several passages side by side, as tensors: notes first, then questions, each padded to the most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from diffroll_live.composer.network import Batch
from diffroll_live.composer.tokens import Tokens
from diffroll_live.model.transfers import to_device

#: The arrays of Tokens that the network takes, and what stands where there is no token.
FIELDS = {"kind": 0, "key": 0, "duration": 0, "velocity": 0, "sees": 0, "position": 0.0, "features": 0.0, "lags": 0.0}


def batch_of(examples: Sequence[Tokens], device: torch.device, room: tuple[int, int] = (0, 0)) -> Batch:
    """Put the tokens of examples side by side, with ``room`` for at least so many notes and questions."""
    tensors = [to_device(padded(examples, name, filler, room), device) for name, filler in FIELDS.items()]
    return Batch(max(room[0], *(example.n_notes for example in examples)), *tensors)


def padded(
    examples: Sequence[Tokens], name: str, filler: float, room: tuple[int, int] = (0, 0)
) -> npt.NDArray[np.generic]:
    """One array of Tokens for all examples: (batch, n, ...)."""
    first: npt.NDArray[np.generic] = getattr(examples[0], name)
    n_notes = max(room[0], *(example.n_notes for example in examples))
    n = n_notes + max(room[1], *(len(example) - example.n_notes for example in examples))
    table = np.full((len(examples), n, *first.shape[1:]), filler, first.dtype)
    for row, example in enumerate(examples):
        values = getattr(example, name)
        for target, source in _places(example, n_notes):
            table[row, target] = values[source]
    return table


def _places(example: Tokens, n_notes: int) -> Iterator[tuple[slice, slice]]:
    """Where the notes and the questions of an example go, and where they are."""
    yield slice(0, example.n_notes), slice(0, example.n_notes)
    yield slice(n_notes, n_notes + len(example) - example.n_notes), slice(example.n_notes, None)
