"""Writing into holes with an adapter that thinks what it is told to: where, how many, how spread, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from diffroll_live.engine.canvas import Canvas
from diffroll_live.engine.infill.blocks import (
    BLOCK_FRAMES,
    EVALUATIONS,
    HELD,
    LONGEST_BLOCK,
    SOON,
    block_frames,
    blocks_of,
)
from diffroll_live.engine.infill.context import as_played
from diffroll_live.engine.infill.infill import EndedNotes
from diffroll_live.engine.infill.writer import InfillContext, Writer, WritingStyle
from diffroll_live.engine.windowed_sampling import Sampling
from diffroll_live.model.adapters.cut_windows import cut_windows
from diffroll_live.model.denoiser import Denoise
from diffroll_live.model.roll_targets import NoteArray, target_of
from diffroll_live.model.samplers import sample_ddim
from diffroll_live.model.schedules import CosineSchedule
from diffroll_live.music.roll import N_PITCHES, RollGeometry

GEOMETRY = RollGeometry(16_000, 256)
FRAMES = 600


class Opinion:
    """A voice for which a pitch begins with its own probability in any frame, and a note lasts another with another."""

    window_frames, margin_frames, channels = 256, 8, 3
    geometry, schedule, device = GEOMETRY, CosineSchedule(), torch.device("cpu")
    writes_in_blocks = True

    def __init__(self, onset: Tensor | float = 0.002, lasting: float = 0.9) -> None:
        self.onset, self.lasting = torch.as_tensor(onset).expand(N_PITCHES), lasting
        self.asked: list[int] = []
        self.told: list[tuple[Tensor, Tensor]] = []

    def cut(self, features: Tensor, begins: Sequence[int]) -> tuple[Tensor, Tensor]:
        windows = cut_windows(features, begins, self.window_frames, 0.0)
        return windows, torch.ones(len(begins), 1, self.window_frames)

    def encode(self, windows: Tensor, audio_mask: Tensor) -> Tensor:
        return audio_mask

    def condition(self, heard: Any, known: Tensor | None = None, known_mask: Tensor | None = None) -> Any:
        assert known is not None
        assert known_mask is not None
        self.told.append((known.clone(), known_mask.clone()))
        sounds = (known[:, N_PITCHES : 2 * N_PITCHES] > 0) & (known_mask > 0)
        frames = torch.arange(known.shape[2])
        since = frames - torch.where(sounds, frames, -1000).cummax(dim=2).values
        return torch.full((1,), self.lasting) ** since.transpose(1, 2)

    def denoise(self, condition: Any) -> Denoise:
        def denoise(x_t: Tensor, t: float) -> Tensor:
            self.asked.append(len(x_t))
            x0 = torch.empty_like(x_t)
            x0[:, 0], x0[:, 1], x0[:, 2] = self.onset, condition, 0.5
            return x0

        return denoise

    def probabilities(self, x0: Tensor) -> Tensor:
        return x0


def scene(writable: Tensor, given: NoteArray | None = None) -> InfillContext:
    """A silent recording with a hole, and notes that are known around it."""
    around = np.zeros((0, 4)) if given is None else given
    target = target_of(around, GEOMETRY, FRAMES)
    roll = torch.from_numpy(np.concatenate([target.onset.T, target.frame.T, target.velocity.T]) * 2 - 1)
    sounding = torch.from_numpy(target.frame.T) > 0
    known = (~writable | sounding).float()
    return InfillContext(torch.zeros(1, FRAMES), torch.ones(FRAMES), Canvas(roll, known), writable & ~sounding, around)


def hole(first: int, last: int, low: int = 0, high: int = N_PITCHES) -> Tensor:
    writable = torch.zeros(N_PITCHES, FRAMES, dtype=torch.bool)
    writable[low:high, first:last] = True
    return writable


def write(
    adapter: Opinion,
    place: InfillContext,
    *,
    seed: int = 0,
    n: int = 1,
    temperature: float = 1.0,
    density: float = 1.0,
    steps: int = 1,
) -> Writer:
    writer = Writer(adapter, place, Sampling(sample_ddim, steps, 0.0, seed), WritingStyle(temperature, density), n)
    for first, last in writer.blocks():
        writer.write(first, last, None)
    return writer


def notes_of(writer: Writer, variation: int = 0) -> NoteArray:
    return writer.notes(variation, 0, FRAMES)


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


def test_a_variation_does_not_depend_on_how_many_there_are() -> None:
    place = scene(hole(100, 300) | hole(400, 500))
    many = write(Opinion(0.01), place, seed=5, n=3)
    assert torch.equal(write(Opinion(0.01), place, seed=5, n=1).roll[0], many.roll[0])
    assert torch.equal(write(Opinion(0.01), place, seed=5, n=2).roll[1], many.roll[1])


def test_variations_are_one_batch_and_each_block_is_asked_once() -> None:
    adapter = Opinion()
    writer = write(adapter, scene(hole(100, 200)), n=4, steps=3)
    assert adapter.asked == [4] * (3 * len(writer.blocks()))


def played(pitches: Sequence[int], rest: float, length: float = 0.1, velocity: int = 80) -> NoteArray:
    """Notes before and after a hole from 3.2 to 6.4 s, one every ``rest`` seconds, the pitches in turn."""
    onsets = [at for at in np.arange(0.0, 9.5, rest) if not 3.2 <= at < 6.4]
    rows = [(at, at + length, pitches[i % len(pitches)], velocity) for i, at in enumerate(onsets)]
    return np.array(rows)


def test_as_many_notes_are_written_as_are_played_around() -> None:
    for rest in (0.2, 0.4, 0.8):
        place = scene(hole(200, 400), played((48, 55, 60, 64), rest))
        writer = write(Opinion(0.004), place, n=8)
        assert sum(len(notes_of(writer, variation)) for variation in range(8)) / 8 == pytest.approx(
            3.2 / rest, rel=0.25
        )


def test_rests_lengths_and_velocities_are_those_of_notes_around() -> None:
    given = np.concatenate([played((40, 43), 0.25, 0.12, 100), played((76, 79), 0.25, 0.04, 40)])
    writer = write(Opinion(0.004), scene(hole(200, 400), given), n=8)
    rows = np.concatenate([notes_of(writer, variation) for variation in range(8)])
    low, high = rows[rows[:, 2] < 50], rows[rows[:, 2] > 70]
    assert np.median(low[:, 3]) == 100
    assert np.median(high[:, 3]) == 40
    assert np.median(low[:, 1] - low[:, 0]) > 2 * np.median(high[:, 1] - high[:, 0])
    onsets = np.unique(notes_of(writer)[:, 0].round(3))
    assert np.mean(np.abs(np.diff(onsets) - 0.25) < 0.04) > 0.6


def test_chords_are_as_large_as_those_around() -> None:
    chord = np.concatenate([played((pitch,), 0.4) for pitch in (48, 55, 64)])
    writer = write(Opinion(0.004), scene(hole(200, 400), chord), n=4)
    rows = np.concatenate(
        [notes_of(writer, variation) + np.array([20.0 * variation, 0, 0, 0]) for variation in range(4)]
    )
    sizes = np.unique(rows[:, 0].round(3), return_counts=True)[1]
    assert np.mean(sizes == 3) > 0.8


def test_notes_come_where_the_network_expects_them() -> None:
    class Late(Opinion):
        def probabilities(self, x0: Tensor) -> Tensor:
            x0 = x0.clone()
            x0[:, 0, 1::2] *= 0.01  # in every other frame hardly anything begins
            x0[:, 0, 0::4] *= 0.01
            x0[:, 0, 3::4] *= 0.01
            return x0

    rows = notes_of(write(Late(0.004), scene(hole(0, FRAMES))))
    counts = np.bincount(np.rint(rows[:, 0] * GEOMETRY.frame_rate).astype(int) % 4, minlength=4)
    assert counts[1] + counts[2] > 2 * (counts[0] + counts[3])


def test_keys_that_sound_or_begin_at_a_border_are_not_struck_there() -> None:
    given = played((48,), 0.25)
    given = np.append(given, [[2.9, 3.2, 60, 80], [6.4, 6.6, 72, 80]], axis=0)
    onset = torch.zeros(N_PITCHES)
    onset[[60 - 21, 72 - 21]] = 0.1
    writer = write(Opinion(onset), scene(hole(200, 400), given), n=8)
    rows = np.concatenate([notes_of(writer, variation) for variation in range(8)])
    assert len(rows) > 20
    assert rows[rows[:, 2] == 60, 0].min() >= 3.2 + HELD / GEOMETRY.frame_rate - 1e-6
    assert rows[rows[:, 2] == 72, 0].max() < 6.4 - SOON / GEOMETRY.frame_rate


@pytest.mark.parametrize("given", [None, played((48, 55, 60, 64), 0.3)])
def test_density_scales_the_number_of_notes(given: NoteArray | None) -> None:
    counts = []
    for density in (0.0, 0.5, 1.0, 2.0):
        writer = write(Opinion(0.004), scene(hole(200, 400), given), n=6, density=density)
        counts.append(sum(len(notes_of(writer, variation)) for variation in range(6)))
    assert counts[0] == 0
    np.testing.assert_allclose(np.array(counts[1:]) / counts[2], (0.5, 1.0, 2.0), rtol=0.25)


def test_temperature_spreads_the_choice_of_pitch_and_not_the_number_of_notes() -> None:
    onset = torch.full((N_PITCHES,), 3e-5)
    onset[[30, 42, 54]] = torch.tensor([0.06, 0.03, 0.015])
    place = scene(hole(200, 400), played(range(48, 60), 0.1))
    spread, counts = [], []
    for temperature in (0.0, 1.0, 2.0, 5.0):
        writer = write(Opinion(onset), place, n=6, temperature=temperature)
        pitches = np.concatenate([notes_of(writer, variation)[:, 2] for variation in range(6)])
        shares = np.unique(pitches, return_counts=True)[1] / len(pitches)
        spread.append(float(-(shares * np.log(shares)).sum()))
        counts.append(len(pitches))
    assert spread == sorted(spread)
    assert spread[0] + 0.1 < spread[2] < spread[3] - 1.0
    assert min(counts) > 0.7 * max(counts)


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


def test_velocities_that_are_heard_are_spread_as_played_ones_are() -> None:
    heard = np.array([[0.0, 1.0, 60, velocity] for velocity in (20, 60, 67, 80, 120)])
    spread = as_played(heard.copy())[:, 3]
    assert (np.diff(spread) > 0).all()
    assert spread[1] < 60 < 80 < spread[3]
    assert spread.min() >= 1
    assert spread.max() <= 127
