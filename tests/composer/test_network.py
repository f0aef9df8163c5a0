"""The network of the composer: figures that are moved in pitch, and notes that are pointed at."""

from __future__ import annotations

import numpy as np
import torch
from support.passages import passage
from support.tiny import COMPOSER, tiny_composer

from diffroll_live.composer.batches import batch_of
from diffroll_live.composer.network import MOVES, N_POINTED, N_POINTERS, SHUT, moved
from diffroll_live.composer.tokens import passage_tokens
from diffroll_live.composer.vocabulary import N_KEYS

NOTHING = np.zeros(0, np.int64)


def test_rows_are_moved_by_each_shift_and_weighed_by_its_gate():
    rows = torch.zeros(1, 2 * N_KEYS)
    rows[0, 40], rows[0, N_KEYS + 87] = 1.0, 0.5
    gates = torch.tensor([[1.0, 2.0, 0.0, 0.0, 4.0, 8.0]])  # of the first row, then of the second
    found = moved(rows, gates, (0, 2, -3))[0]
    wanted = torch.zeros(N_KEYS)
    wanted[40], wanted[42] = 1.0, 2.0
    wanted[84] = 4.0  # 87 moved by 2 lies beyond the piano
    assert torch.equal(found, wanted)


def test_a_question_points_at_no_more_than_the_notes_that_it_sees():
    network = tiny_composer()
    one = passage()
    tokens = passage_tokens(one, NOTHING)
    pointed = network(batch_of([tokens], torch.device("cpu")))[0, :, -N_POINTED:].unflatten(-1, (N_POINTERS, N_KEYS))
    assert pointed.min() >= 0.0
    assert pointed.sum(-1).max() <= 1.0 + 1e-5
    for token in range(len(tokens)):
        unseen = np.setdiff1d(np.arange(N_KEYS), tokens.key[: tokens.sees[token]])
        assert pointed[token][:, unseen].max() < 1e-6


def test_where_nothing_is_known_nothing_is_pointed_at():
    network = tiny_composer()
    one = passage()
    empty = type(one)(one.grid, one.notes[:0], np.ones_like(one.hidden))
    said = network(batch_of([passage_tokens(empty, NOTHING)], torch.device("cpu")))
    assert torch.equal(said[..., -N_POINTED:], torch.zeros_like(said[..., -N_POINTED:]))


def test_what_is_pointed_at_speaks_for_the_key_as_far_away_as_the_gate_says():
    network = tiny_composer()
    for layer in (network.keys, network.copies, network.moves):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    network.moves.bias[MOVES.index(-2)] = 5.0  # of the first pointer
    vector = torch.zeros(1, COMPOSER.width)
    pointed = torch.zeros(1, N_POINTED)
    pointed[0, 50] = 1.0
    said = torch.cat([vector, pointed], -1)
    lags = passage_tokens(passage(), NOTHING).lags[:1]
    allowed = torch.ones(1, N_KEYS, dtype=torch.bool)
    logits = network.key_logits(said, torch.from_numpy(lags) * 0, allowed, torch.tensor([N_KEYS]))[0]
    assert int(logits.argmax()) == 48
    assert float(logits[48]) == 5.0
    logits = network.key_logits(said, torch.from_numpy(lags) * 0, allowed, torch.tensor([48]))[0]
    assert float(logits[48]) == SHUT  # the next key lies above the last
