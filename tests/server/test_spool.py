"""The spool: who may use it, what is taken from it, what is left in it, and a daemon that answers through it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.running import RunningDaemon

from diffroll_live.config import ServerConfig
from diffroll_live.errors import FileError, ProtocolError, TooLarge
from diffroll_live.server.endpoints.spool import open_spool, read_line
from diffroll_live.server.endpoints.spool_folder import MAX_FILE, SpoolFolder

ONE, TWO = "0123456789abcdef", "fedcba9876543210"
TIMEOUT = 20.0  # s; only a failing test waits for it


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[SpoolFolder]:
    spool = SpoolFolder.open(tmp_path / "home" / "spool")
    yield spool
    spool.close()


def put(spool: Path, name: str, content: bytes) -> None:
    """Leave a file as a script does."""
    draft = spool / "in" / "draft.part"
    draft.write_bytes(content)
    draft.replace(spool / "in" / name)


class Script:
    """A client that talks through files."""

    def __init__(self, spool: Path, name: str = ONE) -> None:
        self.spool, self.name, self.sent, self.read = spool, name, 0, 0
        self.lines: deque[list[Any]] = deque()

    def send(self, *messages: list[Any]) -> None:
        self.sent += 1
        put(self.spool, f"{self.name}.{self.sent:06d}.jsonl", "".join(json.dumps(m) + "\n" for m in messages).encode())

    def next(self) -> list[Any]:
        end = time.monotonic() + TIMEOUT
        while not self.lines:
            path = self.spool / "out" / f"{self.name}.{self.read + 1:06d}.jsonl"
            if path.exists():
                self.lines.extend(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
                path.unlink()
                self.read += 1
            else:
                assert time.monotonic() < end, "no answer came"
                time.sleep(0.01)
        return self.lines.popleft()

    def until(self, address: str) -> list[list[Any]]:
        answers = [self.next()]
        while answers[-1][0] != address:
            answers.append(self.next())
        return answers


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


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
    assert "scripts without sockets are not heard" in caplog.text
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


@given(st.text(), st.lists(st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text(max_size=50))))
def test_lines_are_read_as_they_were_meant(word, arguments):
    message = read_line(json.dumps(["/" + word, *arguments][:128]).encode())
    assert (message.address, *message.arguments) == ("/" + word, *arguments)[:128]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(content):
    with contextlib.suppress(ProtocolError):
        assert read_line(content).address.startswith("/")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b'["diffroll"]',
        b"[1]",
        b'["/a", null]',
        b'["/a", [1]]',
        b'["/a", "' + b"x" * 5000 + b'"]',
        b'["/a"' + b", 1" * 200 + b"]",
        b"[" * 60_000,
        b'["/a", ' + b"9" * 60_000 + b"]",
        b'["/a", "' + b"x" * 70_000 + b'"]',
        b'["/a", "\xff"]',
    ],
)
def test_lines_that_are_no_messages_are_errors(line):
    with pytest.raises(ProtocolError):
        read_line(line)


def test_the_spool_is_at_home_unless_another_is_named(tmp_path):
    assert ServerConfig().spool_folder == Path.home() / ".diffroll-live" / "spool"
    assert ServerConfig(spool=str(tmp_path)).spool_folder == tmp_path
    assert ServerConfig(spool="none").spool_folder is None


@pytest.fixture(scope="module")
def daemon(tmp_path_factory) -> Iterator[RunningDaemon]:
    folder = tmp_path_factory.mktemp("daemon")
    with RunningDaemon(folder / "audio", spool=folder / "spool") as running:
        (folder / "audio").mkdir()
        yield running


@pytest.fixture
def script(daemon, request) -> Script:
    return Script(daemon.spool, f"{abs(hash(request.node.name)) % 16**16:016x}")


def test_a_script_is_a_client_as_any_other(daemon, script, make_wav):
    script.send(["/diffroll/hello", "a script"])
    assert script.next()[:2] == ["/diffroll/welcome", 1]
    path = make_wav(daemon.spool / "audio" / f"{script.name}.wav")  # outside the allowed folders, but our own
    script.send(["/diffroll/audio/file", "take", str(path), 0, 0, 12.5], ["/diffroll/transcribe", "näme", "take"])
    answers = script.until("/diffroll/job/done")
    assert ["/diffroll/audio/ready", "take", 2.0, 16_000] in answers
    assert ["/diffroll/note", "näme", 0, 40, 0.0, 0.25, 1, 0] in answers
    assert answers[-1][:3] == ["/diffroll/job/done", "näme", 4]


def test_two_scripts_do_not_see_each_other(daemon, script):
    other = Script(daemon.spool, "00" + script.name[2:])
    script.send(["/diffroll/job/new", "a", "generate", ""])
    other.send(["/diffroll/job/run", "a"])
    assert other.next()[:3] == ["/diffroll/error", "a", "unknown-job"]


def test_the_rest_of_the_spool_is_no_audio_for_others(daemon, script):
    script.send(["/diffroll/audio/file", "take", str(daemon.spool / "lock")])
    assert script.next()[:3] == ["/diffroll/error", "take", "file-refused"]


def test_a_bad_line_spoils_no_other(daemon, script):
    put(daemon.spool, f"{script.name}.000001.jsonl", b'nonsense\n["/diffroll/nonsense"]\n["/diffroll/ping", 5]\n')
    script.sent = 1
    codes = [script.next()[2], script.next()[2]]
    assert codes == ["bad-message", "unknown-address"]
    assert script.next() == ["/diffroll/pong", 5]


def test_a_file_too_long_is_told(daemon, script):
    with (daemon.spool / "in" / f"{script.name}.000001.jsonl").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    assert script.next()[:3] == ["/diffroll/error", "packet", "too-large"]


def test_five_thousand_notes_come_whole(daemon, script):
    notes = [["/diffroll/job/note", "long", 21 + n % 88, 0.01 * n, 0.005, 64] for n in range(5000)]
    script.send(
        ["/diffroll/job/new", "long", "generate", ""],
        ["/diffroll/job/set", "long", "seconds", 1.0],
        *notes,
        ["/diffroll/job/run", "long"],
    )
    answers = script.until("/diffroll/job/done")
    assert len({a[2] for a in answers if a[0] == "/diffroll/note"}) == 5002 == answers[-1][2]


def test_full_tables_refuse_a_script_in_its_own_box(tmp_path):
    with (
        RunningDaemon(tmp_path, spool=tmp_path / "spool", max_clients=1) as daemon,
        daemon.tcp() as occupied,
    ):
        occupied.ping()
        script = Script(daemon.spool)
        script.send(["/diffroll/ping", 1])
        assert script.next()[2] == "busy"


def test_a_goodbye_takes_back_all_that_was_asked(daemon, script):
    script.send(
        ["/diffroll/job/new", "long", "generate", ""],
        ["/diffroll/job/set", "long", "steps", 1000],
        ["/diffroll/job/run", "long"],
    )
    script.until("/diffroll/job/progress")
    script.send()
    wait(lambda: not any((daemon.spool / "out").glob(f"{script.name}.*")))
    other = Script(daemon.spool, "00" + script.name[2:])

    def ready() -> bool:
        other.send(["/diffroll/status"])
        return bool(other.next()[1] == "ready")

    wait(ready)


def test_a_silent_script_is_forgotten_with_its_files(tmp_path):
    with RunningDaemon(tmp_path, spool=tmp_path / "spool", client_timeout_s=0.3) as daemon:
        script = Script(daemon.spool)
        script.send(["/diffroll/ping", 1])
        wait(lambda: any((daemon.spool / "out").iterdir()))
        wait(lambda: not any((daemon.spool / "out").iterdir()))


def test_a_spool_that_is_taken_away_is_told_once_and_used_again(tmp_path, caplog):
    with RunningDaemon(tmp_path, spool=tmp_path / "spool") as daemon:
        daemon.spool.rename(tmp_path / "away")
        wait(lambda: "fails" in caplog.text)
        (tmp_path / "away").rename(daemon.spool)
        script = Script(daemon.spool)
        script.send(["/diffroll/ping", 3])
        assert script.next() == ["/diffroll/pong", 3]
    assert sum(record.levelno == logging.ERROR for record in caplog.records) == 1


def test_a_daemon_that_ends_tells_its_last_words_and_frees_the_spool(tmp_path):
    with RunningDaemon(tmp_path, spool=tmp_path / "spool") as daemon:
        script = Script(daemon.spool)
        script.send(
            ["/diffroll/job/new", "long", "generate", ""],
            ["/diffroll/job/set", "long", "steps", 1000],
            ["/diffroll/job/run", "long"],
        )
        script.until("/diffroll/job/progress")
    script.until("/diffroll/job/cancelled")
    SpoolFolder.open(tmp_path / "spool").close()
