"""Writing into holes with a voice that thinks what it is told to: where, how many, how spread, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from diffroll_live.composition import Harvest
from diffroll_live.denoiser import Denoise
from diffroll_live.notes import NoteArray, target_of
from diffroll_live.reading import Canvas, Sampling
from diffroll_live.roll import N_PITCHES, RollGeometry
from diffroll_live.samplers import sample_ddim
from diffroll_live.schedules import CosineSchedule
from diffroll_live.voices.cutting import cut_windows
from diffroll_live.writing import BLOCK_FRAMES, Scene, Taste, Writer

GEOMETRY = RollGeometry(16_000, 256)
FRAMES = 600


class Opinion:
    """A voice for which a pitch begins with its own probability in any frame, and a note lasts another with another."""

    window_frames, margin_frames, channels = 64, 8, 3
    geometry, schedule, device = GEOMETRY, CosineSchedule(), torch.device("cpu")
    writes_in_blocks = True

    def __init__(self, onset: Tensor | float = 0.002, lasting: float = 0.9) -> None:
        self.onset, self.lasting = torch.as_tensor(onset).expand(N_PITCHES), lasting
        self.asked: list[int] = []
        self.told: list[tuple[Tensor, Tensor]] = []

    def cut(self, features: Tensor, begins: Sequence[int]) -> tuple[Tensor, Tensor]:
        windows = cut_windows(features, begins, self.window_frames, 0.0)
        return windows, torch.ones(len(begins), 1, self.window_frames)

    def hear(self, windows: Tensor, audio_mask: Tensor) -> Tensor:
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


def scene(writable: Tensor, given: NoteArray | None = None) -> Scene:
    """A silent recording with a hole, and notes that are known around it."""
    target = target_of(np.zeros((0, 4)) if given is None else given, GEOMETRY, FRAMES)
    roll = torch.from_numpy(np.concatenate([target.onset.T, target.frame.T, target.velocity.T]) * 2 - 1)
    sounding = torch.from_numpy(target.frame.T) > 0
    known = (~writable | sounding).float()
    return Scene(torch.zeros(1, FRAMES), torch.ones(FRAMES), Canvas(roll, known), writable & ~sounding)


def hole(first: int, last: int, low: int = 0, high: int = N_PITCHES) -> Tensor:
    writable = torch.zeros(N_PITCHES, FRAMES, dtype=torch.bool)
    writable[low:high, first:last] = True
    return writable


def write(
    voice: Opinion,
    place: Scene,
    *,
    seed: int = 0,
    n: int = 1,
    temperature: float = 1.0,
    density: float = 1.0,
    steps: int = 1,
) -> Writer:
    writer = Writer(voice, place, Sampling(sample_ddim, steps, 0.0, seed), Taste(temperature, density), n)
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
    blocks = Writer(Opinion(), place, Sampling(sample_ddim, 1, 0.0, 0), Taste(), 1).blocks()
    assert [frame for first, last in blocks for frame in range(first, last)] == [*range(10, 65), 100]
    assert all(last - first <= BLOCK_FRAMES for first, last in blocks)


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
    voice = Opinion()
    writer = write(voice, scene(hole(100, 200)), n=4, steps=3)
    assert voice.asked == [4] * (3 * len(writer.blocks()))


def test_the_number_of_notes_follows_the_probabilities() -> None:
    counts = []
    for probability in (0.002, 0.004, 0.008):
        writer = write(Opinion(probability, lasting=0.0), scene(hole(0, FRAMES)), n=6)
        counts.append(sum(len(notes_of(writer, variation)) for variation in range(6)) / 6)
    expected = [probability * N_PITCHES * FRAMES / 2 for probability in (0.002, 0.004, 0.008)]
    np.testing.assert_allclose(counts, expected, rtol=0.3)


def test_density_scales_the_number_of_notes() -> None:
    counts = []
    for density in (0.0, 0.5, 1.0, 2.0):
        writer = write(Opinion(0.004, lasting=0.0), scene(hole(0, FRAMES)), n=6, density=density)
        counts.append(sum(len(notes_of(writer, variation)) for variation in range(6)))
    assert counts[0] == 0
    assert counts[1] * 1.5 < counts[2] < counts[3] / 1.5


def test_temperature_spreads_the_choice_of_pitch_and_not_the_number_of_notes() -> None:
    onset = torch.full((N_PITCHES,), 3e-5)
    onset[[30, 42, 54]] = torch.tensor([0.06, 0.03, 0.015])
    spread, counts = [], []
    for temperature in (0.0, 0.5, 1.0, 5.0):
        writer = write(Opinion(onset, lasting=0.0), scene(hole(0, FRAMES)), n=12, temperature=temperature)
        pitches = np.concatenate([notes_of(writer, variation)[:, 2] for variation in range(12)])
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


def test_how_long_a_note_lasts_is_drawn() -> None:
    lengths = []
    for lasting in (0.0, 0.7, 1.0):
        rows = notes_of(write(Opinion(0.001, lasting), scene(hole(100, 500)), n=1))
        lengths.append(np.median((rows[:, 1] - rows[:, 0]) * GEOMETRY.frame_rate))
    assert lengths[0] <= 3 < lengths[1] < lengths[2]
    rows = notes_of(write(Opinion(0.001, 1.0), scene(hole(100, 500))))
    assert rows[:, 1].max() * GEOMETRY.frame_rate == pytest.approx(500)


def test_a_written_block_is_known_to_the_next() -> None:
    voice = Opinion(0.02, lasting=0.0)
    place = scene(hole(100, 400))
    writer = write(voice, place)
    assert writer.known[:, :, : writer.blocks()[-1][0]].eq(1.0).all()
    assert len(notes_of(writer)) > 0
    first_told = voice.told[0][1]
    assert int((first_told == 0).sum()) > 0
    for known, mask in voice.told:
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
    writer = Writer(Opinion(0.004, lasting), place, sampling, Taste(), 2)
    harvests = [Harvest(writer, variation) for variation in range(2)]
    taken: list[list[NoteArray]] = [[], []]
    blocks = writer.blocks()
    for number, (first, last) in enumerate(blocks):
        writer.write(first, last, None)
        for variation, harvest in enumerate(harvests):
            taken[variation].append(harvest.ended(first, last, final=number == len(blocks) - 1))
    for variation in range(2):
        rows = np.concatenate(taken[variation])
        whole = writer.notes(variation, 0, 500)
        assert len(whole) > 20
        np.testing.assert_allclose(rows[np.lexsort((rows[:, 2], rows[:, 0].round(6)))], whole, atol=1e-6)
