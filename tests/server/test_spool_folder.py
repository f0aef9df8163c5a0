"""The folder of the spool: who may use it, what is taken from it, and what is left in it."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.script_client import put

from diffroll_live.errors import FileError, TooLarge
from diffroll_live.server.endpoints.spool import open_spool
from diffroll_live.server.endpoints.spool_folder import MAX_FILE, SpoolFolder

ONE, TWO = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[SpoolFolder]:
    spool = SpoolFolder.open(tmp_path / "home" / "spool")
    yield spool
    spool.close()


def test_a_new_spool_is_its_users_alone(folder):
    for path in (folder.path, folder.inbox, folder.outbox, folder.audio):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_spool_that_is_open_to_others_is_refused(tmp_path):
    (tmp_path / "spool").mkdir(mode=0o755)
    with pytest.raises(FileError, match="chmod 700"):
        SpoolFolder.open(tmp_path / "spool")


def test_a_spool_behind_a_link_is_refused(tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "spool").symlink_to(tmp_path / "real")
    with pytest.raises(FileError, match="not a folder"):
        SpoolFolder.open(tmp_path / "spool")


def test_a_folder_inside_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "spool").mkdir(mode=0o700)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "elsewhere" / "precious").touch()
    (tmp_path / "spool" / "in").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileError):
        SpoolFolder.open(tmp_path / "spool")
    assert (tmp_path / "elsewhere" / "precious").exists()
    (tmp_path / "spool" / "in").unlink()
    SpoolFolder.open(tmp_path / "spool").close()  # the lock was given back


def test_a_second_daemon_does_without(folder, caplog):
    with pytest.raises(FileError, match="Another daemon"):
        SpoolFolder.open(folder.path)
    assert open_spool(folder.path) is None
    assert "scripts without sockets cannot reach the daemon" in caplog.text
    assert open_spool(None) is None


def test_what_an_earlier_daemon_left_is_cleared(tmp_path):
    SpoolFolder.open(tmp_path / "spool").close()
    for box in ("in", "out", "audio"):
        (tmp_path / "spool" / box / f"{ONE}.000001.jsonl").touch()
    spool = SpoolFolder.open(tmp_path / "spool")
    assert not any(path.is_file() for box in ("in", "out", "audio") for path in (tmp_path / "spool" / box).iterdir())
    spool.close()


def test_files_come_in_order_and_are_deleted(folder):
    for name in (f"{TWO}.000001.jsonl", f"{ONE}.000002.jsonl", f"{ONE}.000001.jsonl"):
        put(folder.path, name, name.encode())
    assert [content for _, content in folder.exchange({})] == [
        f"{ONE}.000001.jsonl".encode(),
        f"{ONE}.000002.jsonl".encode(),
        f"{TWO}.000001.jsonl".encode(),
    ]
    assert folder.exchange({}) == []


def test_names_that_are_no_clients_and_drafts_are_left_alone(folder):
    for name in ("x.000001.jsonl", f"{ONE}.1.jsonl", f"{ONE}.000001.part", f"{ONE.upper()}.000001.jsonl", "notes.txt"):
        (folder.inbox / name).touch()
    assert folder.exchange({}) == []


def test_what_is_no_file_or_too_long_is_an_error(folder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (folder.inbox / f"{ONE}.000001.jsonl").symlink_to(secret)
    os.mkfifo(folder.inbox / f"{ONE}.000002.jsonl")
    with (folder.inbox / f"{ONE}.000003.jsonl").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    errors = [content for _, content in folder.exchange({})]
    assert [type(error) for error in errors] == [FileError, FileError, TooLarge]
    assert secret.read_text() == "secret"
    assert list(folder.inbox.iterdir()) == []


def test_answers_lie_in_numbered_files_of_a_readable_size(folder):
    lines = deque(f"[{n}]" for n in range(300))
    folder.exchange({ONE: lines})
    assert not lines
    files = sorted(folder.outbox.iterdir())
    assert [path.name for path in files] == [f"{ONE}.{n:06d}.jsonl" for n in (1, 2, 3)]
    assert "".join(path.read_text() for path in files) == "".join(f"[{n}]\n" for n in range(300))


def test_a_client_that_does_not_read_is_owed_its_lines(folder):
    lines = deque("[]" for _ in range(100_000))
    folder.exchange({ONE: lines})
    assert len(list(folder.outbox.iterdir())) == 256
    folder.exchange({ONE: lines})
    assert len(list(folder.outbox.iterdir())) == 256
    next(folder.outbox.iterdir()).unlink()
    before = len(lines)
    folder.exchange({ONE: lines})
    assert 0 < before - len(lines) <= 128


def test_a_disk_that_fails_loses_no_line(folder):
    lines = deque(["[1]"])
    folder.outbox.chmod(0o700)
    folder.outbox.rename(folder.path / "moved")
    with pytest.raises(OSError, match="out"):
        folder.exchange({ONE: lines})
    (folder.path / "moved").rename(folder.outbox)
    folder.exchange({ONE: lines})
    assert (folder.outbox / f"{ONE}.000001.jsonl").read_text() == "[1]\n"


def test_a_client_that_is_gone_leaves_nothing(folder):
    folder.exchange({ONE: deque(["[1]"]), TWO: deque(["[2]"])})
    (folder.audio / f"{ONE}.wav").touch()
    folder.exchange({}, [ONE])
    assert [path.name for path in folder.outbox.iterdir()] == [f"{TWO}.000001.jsonl"]
    assert list(folder.audio.iterdir()) == []
