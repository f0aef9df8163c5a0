"""Results are complete or not there, whatever draws them and whatever stops them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from support.full_disk import files_limited_to

from diffroll_live.cli import exit_codes, failures
from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files import sonify as sound
from diffroll_live.files.atomic import write_atomic
from diffroll_live.files.plot import draw_plot, draw_trajectory
from diffroll_live.picture_types import Estimate, Pictures
from diffroll_live.types import NoteEvent

NOTES = (NoteEvent(0.1, 0.4, 60, 90),)


def draw(path: Path) -> None:
    roll = np.zeros((50, 88), np.float32)
    trajectory = (Estimate(0, roll.astype(np.uint8), 50, 50.0),) * 2
    pictures = Pictures(50.0, np.zeros((50, 229), np.float32), roll, trajectory)
    if path.suffix == ".gif":
        draw_trajectory(path, pictures)
    else:
        draw_plot(path, pictures, NOTES)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.wav"])
def test_a_full_disk_leaves_the_old_picture_or_sound_and_no_part_of_the_new(tmp_path, monkeypatch, capsys, name):
    monkeypatch.setattr(sound, "find_fluidsynth", lambda: None)
    write = (lambda path: sound.sonify(path, NOTES)) if name.endswith(".wav") else draw
    path = tmp_path / name
    draw(tmp_path / "warm.png")  # fonts are looked for, and their list kept, when the first picture is drawn
    (tmp_path / "warm.png").unlink()
    for before in (None, b"old"):
        if before is not None:
            path.write_bytes(before)
        with files_limited_to(1000), pytest.raises(FileError, match="free some space") as caught:
            write(path)
        assert [entry.read_bytes() for entry in tmp_path.iterdir()] == ([] if before is None else [before])
    assert failures.report(caught.value) == exit_codes.FILE
    write(path)
    assert path.stat().st_size > 1000


def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(FileError, match="it is not a file"):
            write_atomic(tmp_path / name, b"new")
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileMissing, match=r"there is no folder .*nowhere"):
        write_atomic(tmp_path / "nowhere" / "a.mid", b"new")


def test_the_longest_name_that_the_system_allows_can_be_written(tmp_path):
    path = tmp_path / ("a" * 255)
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
