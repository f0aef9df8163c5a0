"""Which paths a client may name, and the names of variations."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.paths import allowed_path, allowed_save_path, variation_path


def test_paths_stay_inside_the_allowed_folders(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    (outside / "back").symlink_to(inside)
    assert allowed_path(str(inside / "a.wav"), (inside,)) == inside / "a.wav"
    assert allowed_path(str(outside / "back" / "a.wav"), (inside,)) == inside / "a.wav"
    for path in (outside / "a.wav", inside / "link" / "a.wav", inside / ".." / "out" / "a.wav", tmp_path / "in2"):
        with pytest.raises(FileError, match="allowed_folders"):
            allowed_path(str(path), (inside,))
    for path in ("a.wav", "", "~nobody-of-that-name/a.wav", "/a\0b"):
        with pytest.raises(FileError):
            allowed_path(path, (inside,))
    with pytest.raises(FileError, match="none"):
        allowed_path(str(inside), ())


def test_save_paths_are_midi_files_in_folders_that_exist(tmp_path):
    assert allowed_save_path(str(tmp_path / "a.MID"), (tmp_path,)) == tmp_path / "a.MID"
    (tmp_path / "folder.mid").mkdir()
    for name in ("a.wav", "a", "folder.mid"):
        with pytest.raises(FileError):
            allowed_save_path(str(tmp_path / name), (tmp_path,))
    with pytest.raises(FileMissing):
        allowed_save_path(str(tmp_path / "none" / "a.mid"), (tmp_path,))


def test_variations_after_the_first_are_numbered():
    names = [variation_path(Path("a") / "take.1.mid", number) for number in (1, 2, 16)]
    assert names == [Path("a/take.1.mid"), Path("a/take.1-2.mid"), Path("a/take.1-16.mid")]
