"""Writing follows links and leaves devices and streams what they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.atomic import write_atomic
from diffroll_live.files.destination import follow, is_system

linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks for /proc")


@pytest.mark.parametrize("before", [b"old", None])
def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path, before):
    real = tmp_path / "elsewhere" / "real.mid"
    real.parent.mkdir()
    if before is not None:
        real.write_bytes(before)
    (tmp_path / "middle").symlink_to(Path("elsewhere", "real.mid"))  # relative to the link's folder
    link = tmp_path / "link.mid"
    link.symlink_to(tmp_path / "middle")
    write_atomic(link, b"new")
    assert (link.is_symlink(), (tmp_path / "middle").is_symlink(), real.is_symlink()) == (True, True, False)
    assert real.read_bytes() == b"new"
    assert [path.name for path in real.parent.iterdir()] == ["real.mid"]


def test_a_link_in_a_link_to_a_folder_is_followed_from_where_it_lies(tmp_path):
    (tmp_path / "deep" / "folder").mkdir(parents=True)
    (tmp_path / "deep" / "folder" / "a.mid").symlink_to(Path("..", "b.mid"))
    (tmp_path / "short").symlink_to(Path("deep", "folder"))
    assert follow(tmp_path / "short" / "a.mid") == tmp_path / "deep" / "b.mid"


def test_links_in_a_circle_are_refused(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for path in (tmp_path / "a", tmp_path / "a" / "x.mid"):
        with pytest.raises(FileError, match=r"circle|cannot be used"):
            write_atomic(path, b"new")
    assert (tmp_path / "a").is_symlink()


def test_a_device_is_written_and_stays_one(tmp_path):
    (tmp_path / "null.mid").symlink_to("/dev/null")
    for path in (Path("/dev/null"), tmp_path / "null.mid"):
        write_atomic(path, b"new")
    assert Path("/dev/null").is_char_device()
    assert (tmp_path / "null.mid").is_symlink()


@linux
def test_no_file_is_made_among_the_devices():
    with pytest.raises(FileMissing, match="there is no device /dev/nothing-2"):
        write_atomic(Path("/dev/nothing-2"), b"new")
    with pytest.raises(FileMissing, match=r"there is no device /proc/.*/nothing"):
        write_atomic(Path("/proc/self/nothing"), b"new")


@pytest.mark.parametrize(
    ("place", "expected"),
    [("/dev/stdout", True), ("/proc/7/fd/1", True), ("/dev/shm/a.mid", False), ("/device/a", False), ("/dev", False)],
)
def test_what_is_the_systems(place, expected):
    assert is_system(Path(place)) is expected


@linux
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "stand-in"])
def test_a_stream_gets_the_bytes_behind_what_it_has(tmp_path, name):
    if name == "stand-in":
        name = str(tmp_path / "out.mid")
        Path(name).symlink_to("/proc/self/fd/1")
    code = (
        f"from pathlib import Path; from diffroll_live.files.atomic import write_atomic as w; w(Path({name!r}), b'new')"
    )
    caught = tmp_path / "caught"
    with caught.open("wb") as out:
        out.write(b"before ")
        out.flush()
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert caught.read_bytes() == b"before new"
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert piped.stdout == b"new"
    assert not name.startswith(str(tmp_path)) or Path(name).is_symlink()
