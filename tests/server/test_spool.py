"""Lines of the spool, and a daemon that answers scripts through it."""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.running import RunningDaemon
from support.script_client import Script, put
from support.waiting import wait_until

from diffroll_live.config import ServerConfig
from diffroll_live.errors import ProtocolError
from diffroll_live.server.endpoints.spool import read_line
from diffroll_live.server.endpoints.spool_folder import MAX_FILE, SpoolFolder


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
        b'["/a", "/tmp/\\ud83c.wav"]',
        b'["/a\\udcff", 1]',
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


@pytest.mark.slow
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
    other = Script(daemon.spool, secrets.token_hex(8))
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


def test_a_line_with_half_a_character_is_answered_and_ends_the_spool_for_nobody(daemon, script):
    put(daemon.spool, f"{script.name}.000001.jsonl", b'["/diffroll/audio/file", "b", "/tmp/\\ud83c.wav"]\n')
    assert script.next()[:3] == ["/diffroll/error", "packet", "bad-message"]
    other = Script(daemon.spool, secrets.token_hex(8))
    other.send(["/diffroll/ping", 5])
    assert other.next() == ["/diffroll/pong", 5]


@pytest.mark.parametrize("number", [10**400, -(10**400), 1e999])
def test_a_number_beyond_all_floats_is_a_bad_message(daemon, script, number):
    script.send(["/diffroll/ping", number], ["/diffroll/generate", "j", number])
    assert [script.next()[2], script.next()[2]] == ["bad-message", "bad-message"]


def test_a_file_too_long_is_told(daemon, script):
    with (daemon.spool / "in" / f"{script.name}.000001.jsonl").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    assert script.next()[:3] == ["/diffroll/error", "packet", "too-large"]


@pytest.mark.slow
def test_five_thousand_notes_come_whole(daemon, script):
    notes = [["/diffroll/job/note", "long", 21 + n % 88, 1.0 + 0.01 * n, 0.005, 64] for n in range(5000)]
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
        occupied.send("/diffroll/job/new", "b", "generate", "")
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
    wait_until(lambda: not any((daemon.spool / "out").glob(f"{script.name}.*")), "the goodbye")
    other = Script(daemon.spool, secrets.token_hex(8))

    def ready() -> bool:
        other.send(["/diffroll/status"])
        return bool(other.next()[1] == "ready")

    wait_until(ready, "the job to end")


@pytest.mark.slow
def test_a_silent_script_is_forgotten_with_its_files(tmp_path):
    with RunningDaemon(tmp_path, spool=tmp_path / "spool", client_timeout_s=0.3) as daemon:
        script = Script(daemon.spool)
        script.send(["/diffroll/ping", 1])
        wait_until(lambda: any((daemon.spool / "out").iterdir()), "an answer")
        wait_until(lambda: not any((daemon.spool / "out").iterdir()), "the answer to be cleared away")


@pytest.mark.slow
def test_a_spool_that_is_taken_away_is_told_once_and_used_again(tmp_path, caplog):
    with RunningDaemon(tmp_path, spool=tmp_path / "spool") as daemon:
        daemon.spool.rename(tmp_path / "away")
        wait_until(lambda: "fails" in caplog.text, "the error")
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
