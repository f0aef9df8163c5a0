"""REAPER's scripts and the real daemon, through the spool: the golden session, every task, and a daemon that dies."""

from __future__ import annotations

import json
import signal
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import golden_session
from support.reaper_scenes import BRIDGE, INTERPRETERS, STAGE, play
from support.recorder import RecordingScheduler
from support.running import DaemonProcess, RunningDaemon
from support.waiting import wait_until

pytestmark = pytest.mark.realtime

TIMEOUT = 30.0  # s; only a failing test waits for it
UPLOAD = ("/diffroll/audio/open", "/diffroll/audio/chunk", "/diffroll/audio/close")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    folder = tmp_path_factory.mktemp("daemon")
    with RunningDaemon(folder, scheduler=RecordingScheduler(), spool=folder / "spool") as running:
        yield running


def by_file(lines: list[golden_session.Line], folder: Path) -> list[golden_session.Line]:
    """Exchange the upload of a session for a file with the same audio: the spool has no blobs."""
    path = folder / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(golden_session.RATE)
        file.writeframes(golden_session.tone())
    named = {"from": "client", "address": "/diffroll/audio/file", "args": ["take", str(path), 0.0, 0.0, 12.5]}
    told = ("/diffroll/audio/opened", "/diffroll/audio/missing")
    kept = [line for line in lines if line["address"] not in (*UPLOAD, *told) or line["args"][0] != "take"]
    ready = next(n for n, line in enumerate(kept) if line["address"] == "/diffroll/audio/ready")
    return [*kept[:ready], named, *kept[ready:]]


def plain(line: golden_session.Line, folder: Path) -> list[Any]:
    args = [arg.replace("$FOLDER", str(folder)) if isinstance(arg, str) else arg for arg in line["args"]]
    return [line["address"], *(None if n in line.get("varies", []) else arg for n, arg in enumerate(args))]


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_golden_session_is_true_through_the_spool(daemon, interpreter):
    folder = daemon.folder
    lines = by_file(golden_session.load(), folder)
    session = folder / "session.jsonl"
    told = [[line["from"], *(plain(line, folder) if line["from"] == "client" else [line["address"]])] for line in lines]
    session.write_text("".join(json.dumps(line) + "\n" for line in told), encoding="utf-8")
    command = [interpreter, str(STAGE / "replay.lua"), str(session), str(BRIDGE), str(daemon.spool)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    wanted = [line for line in lines if line["from"] == "daemon"]
    assert [
        [answer[0], *(None if n in line.get("varies", []) else arg for n, arg in enumerate(answer[1:]))]
        for answer, line in zip(answers, wanted, strict=True)
    ] == [plain(line, folder) for line in wanted]


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize(
    "name",
    [
        "a file is transcribed",
        "samples are transcribed",
        "a gap is filled",
        "an item is continued",
        "notes are generated",
        "a wrong file is told in the daemon's words",
    ],
)
def test_scene_with_the_daemon(daemon, interpreter, name, make_wav):
    make_wav(daemon.folder / "take.wav", seconds=3.0)
    (daemon.folder / "broken.wav").write_bytes(b"RIFF" + bytes(100))
    play(interpreter, "scenes_daemon", name, daemon.folder)


def test_a_daemon_that_is_killed_and_started_anew_is_asked_again(make_wav, tmp_path):
    make_wav(tmp_path / "take.wav", seconds=3.0)
    name = "a daemon is killed and started anew in the middle of a job"
    command = ["lua5.4", str(STAGE / "play.lua"), "scenes_daemon", name, str(BRIDGE), str(tmp_path)]
    first = DaemonProcess(tmp_path, "--spool")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as script:
        assert script.stdout.readline() == "greeted\n"
        wait_until(lambda: any((tmp_path / "spool" / "out").glob("*.jsonl")), "the daemon's answer")
        first.process.send_signal(signal.SIGSTOP)
        script.stdin.write("\n")
        script.stdin.flush()
        assert script.stdout.readline() == "asked\n"
        first.__exit__()
        with DaemonProcess(tmp_path, "--spool"):
            _, problem = script.communicate("\n", timeout=TIMEOUT * 2)
    assert script.returncode == 0, problem
