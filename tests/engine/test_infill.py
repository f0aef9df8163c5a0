"""Infill blocks: where notes are written, in which order, by which seed, and what each block is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.opinion import FRAMES, GEOMETRY, Opinion, hole, notes_of, scene, write
from torch import Tensor

from diffroll_live.engine.infill.blocks import (
    BLOCK_FRAMES,
    EVALUATIONS,
    LONGEST_BLOCK,
    block_frames,
    blocks_of,
)
from diffroll_live.engine.infill.infill import EndedNotes
from diffroll_live.engine.infill.writer import Writer, WritingStyle
from diffroll_live.engine.windowed_sampling import Sampling
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.model.samplers import sample_ddim
from diffroll_live.music.roll import N_PITCHES


@pytest.mark.parametrize(
    "writable",
    [
        hole(200, 400),
        hole(200, 400, 30, 43),
        hole(0, 100),
        hole(500, FRAMES),
        hole(0, FRAMES),
        hole(300, 301),
        hole(100, 105) | hole(105, 140, 10, 20) | hole(300, 420, 40, 60),
    ],
)
def test_only_the_hole_is_written(writable: Tensor) -> None:
    given = np.array([[0.5, 12.0, 30, 64], [3.0, 5.0, 60, 100], [3.4, 9.0, 61, 90]])
    place = scene(writable, given)
    roll, known = place.canvas.roll.clone(), place.canvas.known.clone()
    writer = write(Opinion(0.02), place, n=2)
    assert torch.equal(place.canvas.roll, roll)
    assert torch.equal(place.canvas.known, known)
    outside = (~place.writable).repeat(3, 1)
    for variation in range(2):
        assert torch.equal(writer.roll[variation][outside], roll[outside])
        rows = notes_of(writer, variation)
        frames = np.rint(rows[:, 0] * GEOMETRY.frame_rate).astype(int)
        assert place.writable.numpy()[rows[:, 2].astype(int) - 21, frames].all()
        last = np.rint(rows[:, 1] * GEOMETRY.frame_rate).astype(int) - 1
        assert (writable.numpy()[rows[:, 2].astype(int) - 21, last] | (last - frames < 2)).all()
    if int(writable.sum()) > 1000:
        assert len(notes_of(writer)) > 0


def test_blocks_cover_the_hole_in_order() -> None:
    place = scene(hole(10, 60) | hole(60, 65, 5, 6) | hole(100, 101))
    blocks = Writer(Opinion(), place, Sampling(sample_ddim, 1, 0.0, 0), WritingStyle(), 1).blocks()
    assert [frame for first, last in blocks for frame in range(first, last)] == [*range(10, 65), 100]
    assert all(last - first <= BLOCK_FRAMES for first, last in blocks)


@pytest.mark.parametrize("n_frames", [1, 16, 257, 600, 625])
def test_a_hole_of_ten_seconds_takes_sixteen_evaluations(n_frames: int) -> None:
    blocks = blocks_of(torch.ones(N_PITCHES, n_frames, dtype=torch.bool))
    assert len(blocks) <= EVALUATIONS
    assert len(blocks) == -(-n_frames // block_frames(n_frames))
    assert max(last - first for first, last in blocks) <= LONGEST_BLOCK


@pytest.mark.slow
def test_a_seed_repeats_and_another_does_not() -> None:
    place = scene(hole(100, 500))
    first = write(Opinion(0.01), place, seed=5, n=3)
    again = write(Opinion(0.01), place, seed=5, n=3)
    other = write(Opinion(0.01), place, seed=6, n=3)
    assert torch.equal(first.roll, again.roll)
    assert not torch.equal(first.roll, other.roll)
    for variation in range(3):
        for another in range(variation):
            assert not torch.equal(first.roll[variation], first.roll[another])


@pytest.mark.slow
def test_a_variation_does_not_depend_on_how_many_there_are() -> None:
    place = scene(hole(100, 300) | hole(400, 500))
    many = write(Opinion(0.01), place, seed=5, n=3)
    assert torch.equal(write(Opinion(0.01), place, seed=5, n=1).roll[0], many.roll[0])
    assert torch.equal(write(Opinion(0.01), place, seed=5, n=2).roll[1], many.roll[1])


def test_variations_are_one_batch_and_each_block_is_asked_once() -> None:
    adapter = Opinion()
    writer = write(adapter, scene(hole(100, 200)), n=4, steps=3)
    assert adapter.asked == [4] * (3 * len(writer.blocks()))


def test_what_is_thought_impossible_is_not_written() -> None:
    onset = torch.zeros(N_PITCHES)
    assert len(notes_of(write(Opinion(onset), scene(hole(0, FRAMES))))) == 0
    onset[[40, 41]] = 0.1
    assert set(notes_of(write(Opinion(onset), scene(hole(0, FRAMES)), temperature=5.0))[:, 2]) == {61.0, 62.0}


def test_a_written_block_is_known_to_the_next() -> None:
    adapter = Opinion(0.02, lasting=0.0)
    place = scene(hole(100, 400))
    writer = write(adapter, place)
    assert writer.known[:, :, : writer.blocks()[-1][0]].eq(1.0).all()
    assert len(notes_of(writer)) > 0
    first_told = adapter.told[0][1]
    assert int((first_told == 0).sum()) > 0
    for known, mask in adapter.told:
        assert known[~(mask.repeat(1, 3, 1) > 0)].eq(0).all()


def test_a_hole_in_a_kept_chord_leaves_the_chord_alone() -> None:
    chord = np.array([[0.0, 9.6, pitch, 80] for pitch in (48, 52, 55)])
    place = scene(hole(100, 500), chord)
    rows = notes_of(write(Opinion(0.02), place))
    assert len(rows) > 0
    assert not set(rows[:, 2]) & {48.0, 52.0, 55.0}


@pytest.mark.slow
@pytest.mark.parametrize("lasting", [0.0, 0.7, 0.98, 1.0])
def test_notes_harvested_block_by_block_are_all_notes_once(lasting: float) -> None:
    place, sampling = scene(hole(40, 500)), Sampling(sample_ddim, 1, 0.0, seed=5)
    writer = Writer(Opinion(0.004, lasting), place, sampling, WritingStyle(), 2)
    harvests = [EndedNotes(writer, variation) for variation in range(2)]
    taken: list[list[NoteArray]] = [[], []]
    blocks = writer.blocks()
    for number, (first, last) in enumerate(blocks):
        writer.write(first, last, None)
        for variation, harvest in enumerate(harvests):
            taken[variation].append(harvest.take(first, last, final=number == len(blocks) - 1))
    for variation in range(2):
        rows = np.concatenate(taken[variation])
        whole = writer.notes(variation, 0, 500)
        assert len(whole) > 20
        np.testing.assert_allclose(rows[np.lexsort((rows[:, 2], rows[:, 0].round(6)))], whole, atol=1e-6)
