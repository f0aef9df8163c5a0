"""Which paths a client may name, and the names of variations."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffroll_live.errors import FileError, FileMissing, RequestError
from diffroll_live.files.paths import allowed_path, allowed_save_paths, check_outputs, variation_paths


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
    assert allowed_save_paths(str(tmp_path / "a.MID"), 1, (tmp_path,)) == (tmp_path / "a.MID",)
    (tmp_path / "folder.mid").mkdir()
    for name in ("a.wav", "a", "folder.mid"):
        with pytest.raises(FileError):
            allowed_save_paths(str(tmp_path / name), 1, (tmp_path,))
    with pytest.raises(FileMissing):
        allowed_save_paths(str(tmp_path / "none" / "a.mid"), 1, (tmp_path,))


def test_each_variation_must_be_allowed_a_file_of_its_own(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    first = str(inside / "a.mid")
    assert allowed_save_paths(first, 3, (inside,)) == tuple(inside / f"a{end}.mid" for end in ("", "-2", "-3"))
    (inside / "a-2.mid").symlink_to(outside / "b.mid")
    with pytest.raises(FileError, match="allowed_folders"):
        allowed_save_paths(first, 2, (inside,))
    (inside / "a-2.mid").unlink()
    (inside / "a-2.mid").symlink_to(first)
    with pytest.raises(RequestError, match="one file"):
        allowed_save_paths(first, 2, (inside,))
    (inside / "a-2.mid").unlink()
    (inside / "a-2.mid").mkdir()
    with pytest.raises(FileError, match="not a file"):
        allowed_save_paths(first, 2, (inside,))


def test_variations_after_the_first_are_numbered():
    names = variation_paths(Path("a") / "take.1.mid", 3)
    assert names == (Path("a/take.1.mid"), Path("a/take.1-2.mid"), Path("a/take.1-3.mid"))


@pytest.mark.parametrize(
    ("outputs", "inputs", "expected"),
    [
        (["a.mid", "b.wav"], ["a.wav"], None),
        (["a.wav"], ["a.wav"], FileError),
        (["./folder/../a.wav"], ["a.wav"], FileError),
        (["A.WAV"], ["a.wav"], FileError),
        (["e\u0301.wav"], ["\u00e9.wav"], FileError),
        (["link.mid"], ["a.wav"], FileError),
        (["twin.mid"], ["a.wav"], FileError),
        (["a.mid"], ["link.mid"], None),
        (["x", "x"], [], RequestError),
        (["x", "./X"], [], RequestError),
        (["new/x", "folder/x"], [], RequestError),
        (["dangling", "missing.mid"], [], RequestError),
        (["/dev/null"], [], None),
        (["/dev/stdout", "/proc/self/fd/1"], [], RequestError),
        (["/dev/null-2"], [], FileMissing),
        (["folder"], [], FileError),
        (["a" * 300], [], FileError),
        (["circle"], [], FileError),
    ],
)
def test_no_output_takes_the_place_of_an_input_or_of_another(tmp_path, monkeypatch, outputs, inputs, expected):
    monkeypatch.chdir(tmp_path)
    Path("a.wav").write_bytes(b"precious")
    Path("link.mid").symlink_to("a.wav")
    Path("twin.mid").hardlink_to("a.wav")
    Path("folder").mkdir()
    Path("new").symlink_to("folder")
    Path("dangling").symlink_to("missing.mid")
    Path("circle").symlink_to("circle")
    paths = [Path(name) for name in outputs], [Path(name) for name in inputs]
    if expected is None:
        check_outputs(*paths)
        return
    with pytest.raises(expected) as caught:
        check_outputs(*paths)
    assert caught.value.text.endswith(".")
    assert Path("a.wav").read_bytes() == b"precious"
