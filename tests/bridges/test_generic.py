"""Hosts that speak OSC: Pure Data and SuperCollider as programs, and the Python client."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import golden_session
from support.error_codes import CODES
from support.golden_daemon import GoldenDaemon
from support.paths import BRIDGE

TIMEOUT = 60.0  # s; only a failing test waits for it
NOTE_COUNT = 4  # that the fake engine hears in two seconds


def golden_notes(job: str, task: str = "/diffroll/transcribe") -> list[tuple[int, int, int]]:
    """Index, pitch and velocity of what the golden session's daemon sent for a job, up to its first end."""
    notes = []
    for line in golden_session.load():
        if line["address"] == "/diffroll/job/done" and line["args"][0] == job:
            return notes
        if line["address"] == "/diffroll/note" and line["args"][0] == job:
            notes.append((line["args"][1], line["args"][2], line["args"][5]))
    raise AssertionError(f"the session has no end of {job}")


PATCH = """#N canvas 0 0 400 300 12;
#X obj 20 20 r do;
#X obj 20 60 diffroll-live {port};
#X obj 20 100 print NOTE;
#X obj 120 100 print SAID;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 1 1 3 0;
"""


def pd(folder: Path, port: int, messages: list[str], until: str) -> list[str]:
    """Run Pd on a patch that holds the abstraction; the lines it prints, up to one that begins with ``until``."""
    patch = folder / "patch.pd"
    patch.write_text(PATCH.format(port=port))
    sends = [part for message in messages for part in ("-send", f"do {message}")]
    command = ["pd", "-nogui", "-noaudio", "-nomidi", "-stderr", "-path", str(BRIDGE / "puredata"), "-open", str(patch)]
    return lines_until([*command, *sends], until)


def lines_until(command: list[str], until: str, **environment: str) -> list[str]:
    """Run a program that does not end by itself; what it prints, up to a line that begins with ``until``."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | environment
    )
    lines: list[str] = []
    try:
        for line in _with_patience(process):
            lines.append(line.rstrip("\n"))
            if lines[-1].startswith(until):
                return lines
    finally:
        process.kill()
        process.wait()
    raise AssertionError(f"{command[0]} never printed {until!r}: {lines}")


def _with_patience(process: subprocess.Popen[str]) -> Iterator[str]:
    """The lines of a process that is killed when it takes too long."""
    timer = threading.Timer(TIMEOUT, process.kill)
    timer.start()
    assert process.stdout is not None
    try:
        yield from process.stdout
    finally:
        timer.cancel()


def pd_symbol(path: Path) -> str:
    """A path as one symbol of a Pd message: spaces are escaped."""
    return str(path).replace(" ", "\\ ")


@pytest.mark.realtime
def test_pd_has_a_recording_transcribed(daemon, take, tmp_path):
    said = pd(
        tmp_path,
        daemon.port,
        [f"/diffroll/audio/file pd-take {pd_symbol(take)}", "/diffroll/transcribe pd pd-take"],
        "SAID: job done",
    )
    notes = [line.split()[1:] for line in said if line.startswith("NOTE: ")]
    assert [(note[0], int(note[1])) for note in notes] == [("pd", index) for index in range(NOTE_COUNT)]
    assert [int(note[2]) for note in notes] == [40, 41, 42, 43]
    assert "SAID: audio ready pd-take 2 16000" in said
    assert said[-1].startswith(f"SAID: job done pd {NOTE_COUNT} ")


@pytest.mark.realtime
def test_pd_is_told_what_cannot_be_done(daemon, tmp_path):
    said = pd(tmp_path, daemon.port, ["/diffroll/transcribe pd nothing"], "SAID: error")
    assert said[-1].startswith("SAID: error pd unknown-buffer")


@pytest.mark.realtime
def test_pd_replays_the_golden_session(tmp_path):
    with GoldenDaemon() as golden:
        said = pd(
            tmp_path, golden.port, ["/diffroll/hello golden", "/diffroll/transcribe listen take"], "SAID: job done"
        )
        assert golden.heard == [("/diffroll/hello", ("golden",)), ("/diffroll/transcribe", ("listen", "take"))]
    notes = [line.split()[2:] for line in said if line.startswith("NOTE: listen ")]
    assert [(int(n[0]), int(n[1]), int(n[4])) for n in notes] == golden_notes("listen")


def sclang(folder: Path, port: int, body: str) -> list[str]:
    """Run sclang on a script that has ``client``; the lines it prints, up to END."""
    config, script = folder / "lang.yaml", folder / "script.scd"
    classes = BRIDGE / "supercollider" / "Classes"
    config.write_text(f"includePaths:\n  - {classes}\npostInlineWarnings: true\n")
    script.write_text(f'(var client = DiffRollLive("127.0.0.1", {port});\n{body})\n')
    environment = {"QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1", "XDG_CONFIG_HOME": str(folder)}
    lines = lines_until(["sclang", "-l", str(config), str(script)], "END", HOME=str(folder), **environment)
    assert not [line for line in lines if line.startswith("ERROR")], lines
    return lines


LISTEN = """
client.run(\\sc, \\transcribe, BUFFER,
    { |index, pitch, onset, duration, velocity| ["NOTE", index, pitch, velocity].join($ ).postln },
    { |count| ["DONE", count].join($ ).postln; "END".postln });
"""


def notes_of(lines: list[str]) -> list[tuple[int, ...]]:
    return [tuple(map(int, line.split()[1:])) for line in lines if line.startswith("NOTE")]


@pytest.mark.realtime
def test_supercollider_has_a_recording_transcribed(daemon, take, tmp_path):
    listen = LISTEN.replace("BUFFER", "\\take")
    lines = sclang(tmp_path, daemon.port, f'client.file(\\take, "{take}", {{ |seconds| seconds.postln; {listen} }});')
    assert [note[:2] for note in notes_of(lines)] == [(i, 40 + i) for i in range(NOTE_COUNT)]
    assert f"DONE {NOTE_COUNT}" in lines


@pytest.mark.realtime
def test_supercollider_sends_a_long_recording_whole(daemon, tmp_path):
    """Twenty seconds are 625 datagrams, in step with the acknowledgements; the engine hears them to the end."""
    listen = LISTEN.replace("BUFFER", "\\tone")
    tone = "FloatArray.fill(16000 * 20, { |i| (i * 0.17).sin * 0.3 })"
    lines = sclang(tmp_path, daemon.port, f"client.samples(\\tone, {tone}, 16000, {{ {listen} }});")
    assert notes_of(lines)[-1][:2] == (39, 79)


@pytest.mark.realtime
def test_supercollider_is_told_what_cannot_be_done(daemon, tmp_path):
    body = 'client.onError = { |about, code| code.postln; "END".postln }; client.run(\\sc, \\transcribe, \\nothing);'
    assert "unknown-buffer" in sclang(tmp_path, daemon.port, body)


@pytest.mark.realtime
def test_supercollider_replays_the_golden_session(tmp_path):
    body = LISTEN.replace("BUFFER", "\\take").replace("client.run(\\sc", "client.run(\\fill")
    options = body.replace('END".postln })', 'END".postln }, (seed: 5), [[0.25, 0.75, 48, 72, 0]])')
    with GoldenDaemon() as golden:
        lines = sclang(tmp_path, golden.port, options.replace("\\transcribe", "\\inpaint"))
        heard = golden.heard
    assert notes_of(lines) == golden_notes("fill")
    assert heard == [
        ("/diffroll/job/new", ("fill", "inpaint", "take")),
        ("/diffroll/job/region", ("fill", 0.25, 0.75, 48, 72, 0)),
        ("/diffroll/job/set", ("fill", "seed", 5)),
        ("/diffroll/job/run", ("fill",)),
    ]


def python_client(port: int, *arguments: str, patience: float = TIMEOUT) -> subprocess.CompletedProcess[str]:
    """Run the client as a user does, told of another port."""
    program = (
        "import sys, diffroll_client as c;"
        f"c.Daemon.__init__.__defaults__ = (('127.0.0.1', {port}),); c.PATIENCE = {patience}; c.main(*sys.argv[1:])"
    )
    environment = os.environ | {"PYTHONPATH": str(BRIDGE / "python")}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=2 * TIMEOUT, check=False)


def test_the_python_client_transcribes_and_fills(daemon, take):
    listened = python_client(daemon.port, str(take))
    assert listened.returncode == 0, listened.stderr
    assert [int(pitch) for pitch in re.findall(r"pitch +(\d+)", listened.stdout)] == [40, 41, 42, 43]
    filled = python_client(daemon.port, str(take), "0.5", "1.5")
    assert "pitch" in filled.stdout, filled.stderr


def test_the_python_client_says_what_is_wrong(daemon, take):
    missing = python_client(daemon.port, str(take.with_name("none.wav")))
    assert missing.returncode == 1
    assert "does not exist" in missing.stderr
    with GoldenDaemon() as silent:
        port = silent.port
    nobody = python_client(port, str(take), patience=1.0)
    assert nobody.returncode == 1
    assert "diffroll-live serve" in nobody.stderr
    assert "Traceback" not in nobody.stderr


@pytest.mark.parametrize(
    ("step", "until"),
    [("/diffroll/audio/file", "/diffroll/audio/ready"), ("/diffroll/transcribe", "/diffroll/job/done")],
)
@pytest.mark.parametrize("code", CODES)
def test_the_python_client_ends_at_every_refusal_of_every_step(step, until, code):
    program = runpy.run_path(str(BRIDGE / "python" / "diffroll_client.py"))
    with GoldenDaemon() as golden:
        golden.answers = {step: [[("/diffroll/error", (("s", "take"), ("s", code), ("s", "As planned.")))]]}
        client = program["Daemon"](("127.0.0.1", golden.port))
        client.send(step, "take", "take")
        with pytest.raises(SystemExit, match="As planned"):
            list(client.replies(until=until))
        client.socket.close()


def test_the_python_client_replays_the_golden_session():
    program = runpy.run_path(str(BRIDGE / "python" / "diffroll_client.py"))
    with GoldenDaemon() as golden:
        client = program["Daemon"](("127.0.0.1", golden.port))
        client.send("/diffroll/transcribe", "listen", "take")
        replies = list(client.replies(until="/diffroll/job/done"))
        client.socket.close()
    notes = [(r.params[1], r.params[2], r.params[5]) for r in replies if r.address == "/diffroll/note"]
    assert notes == golden_notes("listen")
