"""Both ways of writing: inside what is hidden, by the options, by the seed, and as the network says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from support.passages import bars_of_four, passage
from support.tiny import tiny_composer

from diffroll_live.composer.batches import batch_of
from diffroll_live.composer.note_by_note import NoteWriter
from diffroll_live.composer.options import WritingOptions, draw_index
from diffroll_live.composer.passage import ENDLESS, Passage, rooms
from diffroll_live.composer.thinning import thin
from diffroll_live.composer.tokens import passage_tokens
from diffroll_live.composer.vocabulary import NO_KEY, Ints

NETWORK = tiny_composer()
ANY = WritingOptions(temperature=2.0)


def after_note(one: Passage, options: WritingOptions, seed: int) -> Ints:
    return np.array(list(NoteWriter(NETWORK, one, options, [seed]).write()), np.int64).reshape(-1, 4)


def at_once(one: Passage, options: WritingOptions, seed: int, steps: int = 4) -> Ints:
    return np.array(list(thin(NETWORK, one, options, [seed], steps)), np.int64).reshape(-1, 4)


WAYS = pytest.mark.parametrize("write", [after_note, at_once, partial(at_once, steps=1)])
Write = Callable[[Passage, WritingOptions, int], Ints]


@WAYS
@pytest.mark.parametrize("band", [(0, 88), (40, 60)])
def test_notes_lie_in_what_is_hidden_each_once(write: Write, band: tuple[int, int]):
    one = passage(low=band[0], high=band[1])
    rows = write(one, ANY, 3)
    assert len(rows) > 0
    assert one.hidden[rows[:, 0], rows[:, 1]].all()
    assert len({(step, key) for step, key, _, _ in rows.tolist()}) == len(rows)


@pytest.mark.slow
@WAYS
def test_the_seed_decides(write: Write):
    one = passage()
    assert (write(one, ANY, 3) == write(one, ANY, 3)).all()
    assert write(one, ANY, 3).tolist() != write(one, ANY, 4).tolist()


@WAYS
def test_keys_and_lengths_are_those_that_are_allowed(write: Write):
    keys = np.zeros(88, bool)
    keys[[40, 44, 47, 52]] = True
    rows = write(passage(), WritingOptions(temperature=2.0, keys=keys, shortest=10, longest=30), 1)
    assert set(rows[:, 1].tolist()) <= {40, 44, 47, 52}
    assert set(rows[:, 2].tolist()) <= {12, 16, 18, 24, 30}


@WAYS
def test_music_without_dynamics_gets_none(write: Write):
    one = passage()
    silent = one.notes.copy()
    silent[:, 3] = 0
    assert (write(Passage(one.grid, silent, one.hidden), ANY, 1)[:, 3] == 0).all()
    assert (write(one, ANY, 1)[:, 3] > 0).all()


@pytest.mark.parametrize("write", [after_note, at_once])
def test_a_hole_with_nothing_around_it_is_written(write: Write):
    one = passage()
    rows = write(Passage(one.grid, one.notes[:0], np.ones_like(one.hidden)), ANY, 5)
    assert len(rows) > 0


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network to which no note is by far the likeliest."""
    network = tiny_composer()
    network.keys.bias[NO_KEY:] = 60.0
    network.every.bias -= 60.0
    monkeypatch.setattr(sys.modules[__name__], "NETWORK", network)


@WAYS
def test_music_from_nothing_is_never_empty(write: Write, silent: None):
    one = passage()
    nothing = Passage(one.grid, one.notes[:0], np.ones_like(one.hidden))
    assert len(write(nothing, WritingOptions(), 0)) == 1


@WAYS
def test_every_hole_gets_a_note_unless_none_is_wished_for(write: Write, silent: None):
    one = passage()
    hidden = np.zeros_like(one.hidden)
    first, second = slice(8, 12), slice(20, 28)
    hidden[first], hidden[second, 40:60] = True, True
    two = Passage(one.grid, one.notes, hidden)
    rows = write(two, WritingOptions(), 0)
    assert sorted(np.searchsorted([8, 12, 20, 28], rows[:, 0], side="right").tolist()) == [1, 3]
    assert hidden[rows[:, 0], rows[:, 1]].all()
    assert not len(write(two, WritingOptions(density=0.0), 0))


def test_polyphony_is_kept():
    one = passage()
    rows = after_note(one, WritingOptions(temperature=3.0, polyphony=2), 1)
    ends = one.grid.tick[rows[:, 0]] + rows[:, 2]
    for step in np.unique(rows[:, 0]):
        sounding = (rows[:, 0] <= step) & (ends > one.grid.tick[step])
        assert sounding.sum() <= 2


def test_what_is_kept_of_earlier_evaluations_changes_nothing():
    one = passage()
    tokens = passage_tokens(one, np.zeros(0, np.int64))
    with torch.inference_mode():
        whole = NETWORK(batch_of([tokens], torch.device("cpu")))[0]
        writer = NoteWriter(NETWORK, one, ANY, [0])
        known, written = one.notes[~one.is_hidden()], one.notes[one.is_hidden()].tolist()
        writer._cache.read(writer._known_tokens(known))
        steps = np.flatnonzero(one.hidden.any(1))
        for place, step in enumerate(steps.tolist()):
            said = writer._ask(np.array([step]))[0].said
            assert torch.allclose(said, whole[tokens.n_notes + place], atol=1e-4)
            for row, note in enumerate(written):
                if note[0] == step:
                    writer._place(tuple(note))
                    said = writer._ask(np.array([step]), tuple(note))[0].said
                    assert torch.allclose(said, whole[len(known) + row], atol=1e-4)


def test_evaluations_are_no_more_than_notes_and_blocks_of_silence():
    counted: list[None] = []
    n_notes = len(list(NoteWriter(NETWORK, passage(), ANY, [3], lambda: counted.append(None)).write()))
    assert n_notes < len(counted) <= n_notes + 32


def test_a_key_that_is_down_is_not_struck():
    for write in (after_note, at_once):
        one = passage()
        held = np.array([[0, key, 400, 80] for key in range(0, 88, 2)])
        rows = write(Passage(one.grid, held, one.hidden), ANY, 1)
        assert len(rows) > 0
        assert (rows[:, 1] % 2 == 1).all()


@pytest.mark.slow
@WAYS
def test_a_note_ends_before_its_key_is_struck_again(write: Write):
    one = passage()
    after = np.flatnonzero(one.grid.bar == 3)[0]
    again = np.array([[after, key, 24, 80] for key in range(88)])
    for seed in range(3):
        rows = write(Passage(one.grid, again, one.hidden), WritingOptions(temperature=2.0, shortest=12), seed)
        ends = one.grid.tick[rows[:, 0]] + rows[:, 2]
        assert ends.max() == one.grid.tick[after]
        assert rows[:, 2].min() >= 12
        for key in set(rows[:, 1].tolist()):
            order = np.argsort(rows[rows[:, 1] == key, 0])
            begin, end = one.grid.tick[rows[rows[:, 1] == key, 0]][order], ends[rows[:, 1] == key][order]
            assert (end[:-1] <= begin[1:]).all()


def test_rooms():
    grid = bars_of_four(1)
    onset = np.zeros((16, 88), bool)
    onset[[4, 10], 3] = True
    room = rooms(onset, grid)
    assert room[[0, 3, 4, 9, 10], 3].tolist() == [24, 6, 36, 6, ENDLESS]
    assert (room[:, 4] == ENDLESS).all()


def test_a_nucleus_leaves_out_what_is_unlikely():
    logits = np.log(np.array([0.6, 0.3, 0.1]))
    assert {draw_index(logits, u) for u in np.linspace(0, 0.999, 100)} == {0, 1, 2}
    assert {draw_index(logits, u, 0.85) for u in np.linspace(0, 0.999, 100)} == {0, 1}
    assert draw_index(logits, 0.9999999999999999, 0.5) == 0
