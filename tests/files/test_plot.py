"""Pictures that hold what they should: size, motion, colours where notes and regions are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffroll_live.errors import FileError
from diffroll_live.files.plot import MAX_GIF_STEPS, draw_plot, draw_trajectory
from diffroll_live.picture_types import Estimate, Pictures
from diffroll_live.types import NoteEvent, Region

FRAME_RATE, SECONDS = 50.0, 4.0
NOTES = (NoteEvent(0.5, 1.0, 60, 20), NoteEvent(1.0, 3.0, 64, 120), NoteEvent(1.0, 1.2, 67, 70))


def pictures(n_steps: int = 4, seconds: float = SECONDS) -> Pictures:
    n_frames = round(seconds * FRAME_RATE)
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (n_steps, n_frames, 88), dtype=np.uint8)
    trajectory = tuple(Estimate(0, part, n_frames, FRAME_RATE) for part in levels)
    posterior = np.zeros((n_frames, 88), np.float32)
    posterior[50:150, 64 - 21] = 1
    return Pictures(FRAME_RATE, rng.random((n_frames, 229), dtype=np.float32) / 4, posterior, trajectory)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


@pytest.mark.slow
def test_the_plot_changes_with_notes_and_regions(tmp_path):
    draw_plot(tmp_path / "empty.png", pictures(), ())
    draw_plot(tmp_path / "notes.png", pictures(), NOTES)
    draw_plot(tmp_path / "region.png", pictures(), NOTES, (Region(1.0, 2.0, 60, 72),))
    empty, notes, region = (pixels(tmp_path / f"{name}.png") for name in ("empty", "notes", "region"))
    assert empty.shape == notes.shape == region.shape
    assert min(empty.shape[:2]) > 700
    turquoise = lambda image: ((image - (0x45, 0xE0, 0xC8)) ** 2).sum(axis=2) < 300  # noqa: E731
    assert not turquoise(notes).any()
    assert turquoise(region).sum() > 500  # the outline in all three panels
    assert (empty != notes).any(axis=2).mean() > 0.01


@pytest.mark.slow
def test_without_audio_there_is_no_spectrogram(tmp_path):
    draw_plot(tmp_path / "sound.png", pictures(), NOTES)
    draw_plot(tmp_path / "notes.png", replace(pictures(), spectrogram=np.zeros((1, 1), np.float32)), NOTES)
    sound, notes = (pixels(tmp_path / f"{name}.png").shape for name in ("sound", "notes"))
    assert notes[1] == sound[1]
    assert notes[0] < 0.8 * sound[0]


@pytest.mark.slow
def test_without_audio_the_notes_after_the_last_region_are_seen(tmp_path):
    """A song goes on for a minute after what was written; it is as wide as if all of it had been."""
    silent = replace(pictures(), spectrogram=np.zeros((1, 1), np.float32))
    longer = replace(pictures(seconds=64.0), spectrogram=silent.spectrogram)
    song = (*NOTES, NoteEvent(63.0, 64.0, 62, 127))
    draw_plot(tmp_path / "song.png", silent, song)
    draw_plot(tmp_path / "whole.png", longer, song)
    song_pixels, whole = pixels(tmp_path / "song.png"), pixels(tmp_path / "whole.png")
    assert song_pixels.shape == whole.shape
    roll = slice(-280, -80)
    assert (song_pixels[roll] == whole[roll]).all()


@pytest.mark.slow
def test_louder_notes_are_brighter(tmp_path):
    for velocity in (10, 127):
        notes = (NoteEvent(0.0, SECONDS, 60, velocity),)
        draw_plot(tmp_path / f"{velocity}.png", pictures(), notes)
    roll = slice(-280, -80)  # rows of the lowest panel
    soft, loud = (pixels(tmp_path / f"{velocity}.png")[roll, 100:-150].max() for velocity in (10, 127))
    assert loud > soft


@pytest.mark.slow
def test_a_long_recording_makes_a_wide_picture_within_bounds(tmp_path):
    draw_plot(tmp_path / "long.png", pictures(1, 600), ())
    with Image.open(tmp_path / "long.png") as picture:
        assert 3000 < picture.width < 8000


@pytest.mark.slow
@pytest.mark.parametrize("n_steps", [1, 4, 200])
def test_the_trajectory_moves(tmp_path, n_steps):
    path = tmp_path / "t.gif"
    draw_trajectory(path, pictures(n_steps, 1.0), "clip")
    with Image.open(path) as gif:
        assert gif.n_frames == min(n_steps, MAX_GIF_STEPS)
        if n_steps > 1:
            first = np.asarray(gif.convert("RGB"))
            gif.seek(gif.n_frames - 1)
            assert (first != np.asarray(gif.convert("RGB"))).any()


def test_no_trajectory_is_said(tmp_path):
    with pytest.raises(FileError, match="no trajectory"):
        draw_trajectory(tmp_path / "t.gif", pictures(0))


@pytest.mark.slow
@pytest.mark.parametrize(
    "draw", [lambda path: draw_plot(path, pictures(), ()), lambda path: draw_trajectory(path, pictures())]
)
def test_a_place_that_cannot_be_written_is_said(tmp_path, draw):
    with pytest.raises(FileError, match="choose another place"):
        draw(tmp_path / "nowhere" / "x")
