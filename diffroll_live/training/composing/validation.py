"""How surprising two hidden bars of pieces that nobody trains on are to the composer: bits for each note, exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from diffroll_live.composer.batches import batch_of
from diffroll_live.composer.network import Composer
from diffroll_live.composer.passage import Passage
from diffroll_live.composer.tokens import passage_tokens
from diffroll_live.training.composing.answers import answers_of
from diffroll_live.training.composing.objective import losses
from diffroll_live.training.composing.scores import Score, bars_of

SEED = 5
AROUND, HIDDEN = 4, 2  # bars
FEWEST = 4  # hidden notes
NOTHING = np.zeros(0, np.int64)


def hidden_bars(scores: Sequence[Score], count: int) -> list[Passage]:
    """Draw passages of ten bars from the validation split, the middle two hidden; always the same ones."""
    rng = np.random.default_rng(SEED)
    long_enough = [s for s in scores if s.split == "valid" and len(s.bars) > 2 * AROUND + HIDDEN]
    passages: list[Passage] = []
    while len(passages) < count:
        score = long_enough[int(rng.integers(len(long_enough)))]
        first = int(rng.integers(0, len(score.bars) - 2 * AROUND - HIDDEN))
        grid, notes = bars_of(score, first, first + 2 * AROUND + HIDDEN)
        hidden = np.zeros((grid.n_steps, 88), bool)
        hidden[(grid.bar >= AROUND) & (grid.bar < AROUND + HIDDEN)] = True
        passage = Passage(grid, notes, hidden)
        if passage.is_hidden().sum() >= FEWEST:
            passages.append(passage)
    return passages


@torch.inference_mode()
def bits_a_note(network: Composer, weights: Mapping[str, Tensor], passages: Sequence[Passage]) -> float:
    """The mean over passages of the bits for each hidden note, when it comes and which key, with averaged weights."""
    device = network.classes.device
    own = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(dict(weights))
    found = []
    for passage in passages:
        tokens = passage_tokens(passage, NOTHING)
        found.append(losses(network, batch_of([tokens], device), answers_of([tokens], device)).parts["hole"])
    network.load_state_dict(own)
    return float(np.mean(found))
