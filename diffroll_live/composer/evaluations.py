"""What the questions of a passage say: one evaluation of the network, replayed where the device can do so.

Replayed evaluations have room for so many notes and questions, in steps, and what is beyond those that there are is
seen by nobody.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import fields

import torch
from torch import Tensor

from diffroll_live.composer.batches import batch_of
from diffroll_live.composer.network import Batch, Composer
from diffroll_live.composer.tokens import Tokens
from diffroll_live.model.captures import Capture, Replay

logger = logging.getLogger(__name__)

NOTES, QUESTIONS = 128, 32  # the steps in which there is room for them
MOST_PROGRAMS = 6  # that are kept


def evaluate(network: Composer, tokens: Tokens) -> tuple[Tensor, Tensor]:
    """What each question says, (n_questions, width + N_POINTED), and was shown of other bars, (n_questions, N_LAGS).

    Where it is replayed, both hold until the next call.
    """
    if network.replayed is not None:
        try:
            return network.replayed(tokens)
        except RuntimeError:
            logger.warning("the composer cannot be captured; it is computed without", exc_info=True)
            network.replayed = None
    batch = batch_of([tokens], network.classes.device)
    return network(batch)[0, tokens.n_notes :], batch.lags[0, tokens.n_notes :]


class Replayed:
    """Evaluates a network with programs, one for each size in steps."""

    def __init__(self, network: Composer, capture: Capture) -> None:
        self._network, self._capture = network, capture
        self._programs: OrderedDict[tuple[int, int], _Program] = OrderedDict()

    def __call__(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """See ``evaluate``."""
        n_questions = len(tokens) - tokens.n_notes
        room = _up(tokens.n_notes, NOTES), _up(n_questions, QUESTIONS)
        batch = batch_of([tokens], self._network.classes.device, room)
        if room not in self._programs:
            self._programs[room] = _Program(self._network, batch, self._capture)
        self._programs.move_to_end(room)
        while len(self._programs) > MOST_PROGRAMS:
            self._programs.popitem(last=False)
        said = self._programs[room].run(batch)
        questions = slice(room[0], room[0] + n_questions)
        return said[0, questions], batch.lags[0, questions]


class _Program:
    """One evaluation as a function of the tensors of a batch."""

    def __init__(self, network: Composer, batch: Batch, capture: Capture) -> None:
        self._network, self._batch = network, batch
        self._said = torch.zeros_like(network(batch))
        self._again: Replay = capture(self.compute)

    def compute(self) -> None:
        """Evaluate what lies in the batch."""
        self._said.copy_(self._network(self._batch))

    def run(self, batch: Batch) -> Tensor:
        """Copy a batch of the same size, and evaluate it."""
        for field in fields(Batch):
            here = getattr(self._batch, field.name)
            if isinstance(here, Tensor) and batch is not self._batch:
                here.copy_(getattr(batch, field.name))
        self._again()
        return self._said


def _up(count: int, step: int) -> int:
    return max(-(-count // step), 1) * step
