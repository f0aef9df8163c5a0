"""What the network sees of a passage, and what it must not see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.passages import passage
from support.tiny import tiny_composer

from diffroll_live.composer.batches import batch_of
from diffroll_live.composer.tokens import (
    ASK_ALL,
    ASK_KNOWN,
    ASK_NEXT,
    KNOWN,
    UNASKED,
    WRITTEN,
    Surroundings,
    passage_tokens,
)
from diffroll_live.composer.vocabulary import NO_KEY

NOTHING = np.zeros(0, np.int64)
CPU = torch.device("cpu")


def test_the_answers_put_together_are_the_notes():
    one = passage()
    tokens = passage_tokens(one, np.flatnonzero((~one.hidden).any(1)))
    asked = tokens.target != UNASKED
    answers = {(step, key) for step, key in zip(tokens.step[asked], tokens.target[asked], strict=True) if key != NO_KEY}
    assert answers == {(step, key) for step, key, _, _ in one.notes.tolist()}
    assert asked.all(), "every note asks for the next, every step for its first"


@pytest.mark.parametrize("band", [(0, 88), (40, 60)])
def test_only_cells_of_the_right_side_are_allowed(band):
    one = passage(low=band[0], high=band[1])
    tokens = passage_tokens(one, np.flatnonzero((~one.hidden).any(1)))
    in_hole = np.isin(tokens.kind, (WRITTEN, ASK_NEXT))
    assert (tokens.allowed[in_hole] == one.hidden[tokens.step[in_hole]]).all()
    assert (tokens.allowed[~in_hole] == ~one.hidden[tokens.step[~in_hole]]).all()
    assert set(tokens.kind.tolist()) == {KNOWN, WRITTEN, ASK_KNOWN, ASK_NEXT}


def test_nothing_that_is_said_depends_on_hidden_notes_that_come_later():
    one = passage(first=1, last=3)
    hidden = np.flatnonzero(one.is_hidden())
    middle = one.notes[hidden[len(hidden) // 2], 0]
    kept = ~(one.is_hidden() & (one.notes[:, 0] >= middle))
    other = replace(one, notes=one.notes[kept])
    network = tiny_composer()
    said = {}
    for name, each in (("whole", one), ("cut", other)):
        tokens = passage_tokens(each, np.flatnonzero((~each.hidden).any(1)))
        with torch.inference_mode():
            out = network(batch_of([tokens], CPU))[0]
        before = (tokens.step < middle) | np.isin(tokens.kind, (KNOWN, ASK_KNOWN))
        said[name] = out[torch.from_numpy(before)]
    assert len(said["whole"]) > 20
    assert torch.allclose(said["whole"], said["cut"], atol=1e-5)


def test_known_notes_do_not_see_the_hole_nor_what_comes_after_them():
    one = passage(first=1, last=3)
    shown = Surroundings(one).lags_of_known(np.arange(one.grid.n_steps))
    bare = Surroundings(replace(one, notes=one.notes[~one.is_hidden()])).lags_of_known(np.arange(one.grid.n_steps))
    assert (shown == bare).all()


def test_all_at_once_asks_for_what_did_not_survive():
    one = passage()
    n_hidden = int(one.is_hidden().sum())
    survivors = np.arange(n_hidden) % 2 == 0
    tokens = passage_tokens(one, NOTHING, survivors, 0.5)
    asked = tokens.kind == ASK_ALL
    assert (tokens.target[asked] == UNASKED).all()
    assert tokens.missing.sum() == n_hidden - survivors.sum()
    assert not (tokens.missing & ~tokens.allowed).any()
    assert (tokens.kind == WRITTEN).sum() == survivors.sum()


def test_padding_changes_nothing():
    short, long = (passage_tokens(passage(n, 1, 2, seed=n), NOTHING) for n in (3, 6))
    network = tiny_composer()
    with torch.inference_mode():
        together, alone = network(batch_of([short, long], CPU))[0], network(batch_of([short], CPU))[0]
    notes, questions = short.n_notes, len(short) - short.n_notes
    first = max(notes, long.n_notes)
    assert torch.allclose(together[:notes], alone[:notes], atol=1e-5)
    assert torch.allclose(together[first : first + questions], alone[notes:], atol=1e-5)
