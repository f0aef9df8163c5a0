"""Figures that are taken up again: which of them are believed, and what they propose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.tiny import tiny_composer

from diffroll_live.composer.note_by_note import NoteWriter
from diffroll_live.composer.options import WritingOptions
from diffroll_live.composer.passage import Passage
from diffroll_live.composer.recall import Recall
from diffroll_live.composer.steps import StepGrid, step_grid
from diffroll_live.composer.vocabulary import N_KEYS, NO_KEY

N_BARS, HOLE = 6, 4  # bars, and the one that is written
FIGURE = ((0, 20), (0, 40), (4, 44), (6, 47), (10, 44), (12, 40))  # steps of a bar, and keys


def bars(*, triplets: bool = False) -> StepGrid:
    whole = np.full(N_BARS, 96)
    return step_grid(whole, np.full(N_BARS, 4), np.full(N_BARS, 4), triplets=triplets)


def begun_in(grid: StepGrid, moves: dict[int, int]) -> np.ndarray:
    """The figure in each of some bars, moved by so many semitones."""
    begun = np.zeros((grid.n_steps, N_KEYS), bool)
    first = grid.first_steps()
    for bar, move in moves.items():
        for step, key in FIGURE:
            begun[first[bar] + step, key + move] = True
    return begun


def followed(grid: StepGrid, begun: np.ndarray) -> list[tuple[int, int]]:
    """What is written by doing what most speaks for, (step of the bar, key)."""
    first, last = grid.first_steps()[HOLE : HOLE + 2]
    recall = Recall(grid, begun, (np.arange(grid.n_steps) < first) | (np.arange(grid.n_steps) >= last))
    written = []
    for step in range(first, last):
        recall.enter(step)
        key = NO_KEY
        while (key := int(recall.votes(key).argmax())) != NO_KEY:
            begun[step, key] = True
            written.append((step - first, key))
    return written


@pytest.mark.parametrize("triplets", [False, True])
def test_a_figure_that_came_in_every_bar_comes_again(triplets: bool):
    grid = bars(triplets=triplets)
    assert followed(grid, begun_in(grid, {0: 0, 1: 0, 2: 0, 3: 0})) == list(FIGURE)


def test_a_figure_that_rises_bar_by_bar_goes_on_rising():
    grid = bars()
    written = followed(grid, begun_in(grid, {0: 0, 1: 2, 2: 4, 3: 6}))
    assert [step for step, _ in written] == [step for step, _ in FIGURE]
    assert {key - figure for (_, key), (_, figure) in zip(written, FIGURE, strict=True)} == {8}


def test_without_music_nothing_is_said():
    grid = bars()
    recall = Recall(grid, np.zeros((grid.n_steps, N_KEYS), bool), np.ones(grid.n_steps, bool))
    recall.enter(64)
    assert not recall.votes(NO_KEY).any()
    assert not recall.votes(N_KEYS - 1).any()


def test_only_keys_above_the_last_are_spoken_for_and_by_no_more_than_one_voice():
    grid = bars()
    begun = begun_in(grid, {0: 0, 1: 0, 2: 0, 3: 0})
    recall = Recall(grid, begun, np.arange(grid.n_steps) < 64)
    recall.enter(64)
    for last in (NO_KEY, 20, 30, 40):
        votes = recall.votes(last)
        assert 0.0 < votes.sum() <= 1.0
        if last != NO_KEY:
            assert not votes[: last + 1].any()
    assert recall.votes(40).argmax() == NO_KEY


def test_what_is_not_written_yet_is_no_rest():
    """Of a hole of two bars, the second says nothing of the first."""
    grid = bars()
    begun = begun_in(grid, {0: 0, 1: 0, 2: 0, 3: 0})
    known = np.arange(grid.n_steps) < 64
    recall = Recall(grid, begun, known)
    recall.enter(64)
    before = recall.votes(NO_KEY)
    begun[80:] = False
    begun[84, 50] = True  # it is hidden
    again = Recall(grid, begun, known)
    again.enter(64)
    np.testing.assert_array_equal(again.votes(NO_KEY), before)


def test_a_writer_that_recalls_carries_a_figure_through_a_hole():
    grid = bars()
    step, key = np.nonzero(begun_in(grid, {0: 0, 1: 0, 2: 0, 3: 0, 5: 0}))
    hidden = np.repeat(grid.bar[:, None] == HOLE, N_KEYS, 1)
    around = Passage(grid, np.stack([step, key, np.full_like(step, 12), np.full_like(step, 70)], 1), hidden)
    options = WritingOptions(temperature=0.2, recall=20.0, longest=24)
    first = grid.first_steps()[HOLE]
    with_it, without = (
        [(row[0] - first, row[1]) for row in NoteWriter(tiny_composer(), around, wishes, [1]).write()]
        for wishes in (options, replace(options, recall=0.0))
    )
    assert with_it == list(FIGURE)
    assert without != with_it
