"""``batch``: a folder of recordings becomes a folder of notes, however often it is interrupted."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.archives import FAILS, ArchiveEngineFactory, record
from support.paths import EXAMPLES, TESTS
from support.tiny import write_tiny_model
from support.waiting import wait_until

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.files.midi_file import read_smf

pytestmark = pytest.mark.slow


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the processes of the command make the fake engine; return the file of what it has seen."""
    monkeypatch.setattr("diffroll_live.cli.commands.batch.EngineFactory", lambda *_: ArchiveEngineFactory(tmp_path))
    return tmp_path / "seen"


def states(out: Path) -> dict[str, str]:
    with (out / "report.csv").open(newline="", encoding="utf-8") as stream:
        return {row["recording"]: row["state"] for row in csv.DictReader(stream)}


def test_an_archive_is_transcribed_once(tmp_path, fake, capsys):
    archive, out = tmp_path / "archive", tmp_path / "out"
    for name in ("a.wav", "b/c.flac", "b/d.wav"):
        record(archive / name)
    assert run(["batch", str(archive), "-o", str(out), "--steps", "1"]) == exit_codes.OK
    assert states(out) == dict.fromkeys(("a.wav", "b/c.flac", "b/d.wav"), "done")
    assert read_smf(out / "a.mid") == read_smf(out / "b" / "c.mid") != ()
    assert "3 recordings: 3 done" in capsys.readouterr().out
    record(archive / "b" / "e.wav")
    assert run(["batch", str(archive), "-o", str(out), "--steps", "1"]) == exit_codes.OK
    assert "4 recordings: 1 done" in (printed := capsys.readouterr().out)
    assert "3 done before" in printed
    assert len(fake.read_text().split()) == 4


def test_a_bad_recording_is_one_row_and_is_tried_again(tmp_path, fake, capsys):
    archive, out = tmp_path / "archive", tmp_path / "out"
    record(archive / "a.wav")
    record(archive / "fails.wav", FAILS)
    (archive / "b").mkdir()
    (archive / "b" / "text.wav").write_text("no sound")
    for times in (1, 2):
        assert run(["batch", str(archive), "-o", str(out), "--steps", "1"]) in (exit_codes.FILE, exit_codes.INTERNAL)
        assert states(out) == {"a.wav": "done", "b/text.wav": "failed", "fails.wav": "failed"}
        assert "b/text.wav is not audio that can be read" in capsys.readouterr().err
        assert fake.read_text().split().count(str(FAILS)) == times


def test_a_folder_without_recordings_is_refused(tmp_path, capsys):
    assert run(["batch", str(tmp_path), "-o", str(tmp_path / "out")]) == exit_codes.FILE
    assert "has no recordings" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_archive_goes_on_where_it_stopped(tmp_path, number):
    archive, out = tmp_path / "archive", tmp_path / "out"
    for name in range(40):
        record(archive / f"{name}.wav")
    command = [sys.executable, "-m", "support.batch_process", str(tmp_path), str(archive), str(out)]
    first = subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE)
    wait_until(lambda: len(list(out.glob("*.mid"))) > 3, "the first notes")
    first.send_signal(number)
    first.communicate()
    assert first.returncode in (-number, exit_codes.INTERRUPTED)
    done = {
        name for name, state in states(out).items() if state == "done" and (out / name).with_suffix(".mid").exists()
    }
    assert 3 < len(done) < 40
    before = len((tmp_path / "seen").read_text().split())
    second = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=True)
    assert f"{len(done)} done before" in second.stdout
    assert len((tmp_path / "seen").read_text().split()) - before == 40 - len(done)
    assert set(states(out).values()) == {"done"}
    assert len(list(out.glob("*.mid"))) == 40


def test_the_notes_are_those_of_transcribe(tmp_path):
    model = write_tiny_model(tmp_path / "tiny").path
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "clip.flac").write_bytes((EXAMPLES / "clip.flac").read_bytes())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for words in (
        ("batch", str(archive), "-o", str(tmp_path / "out")),
        ("transcribe", str(archive / "clip.flac"), "-o", str(tmp_path / "clip.mid"), "--local"),
    ):
        command = [sys.executable, "-m", "diffroll_live", *words, "--model", str(model), "--device", "cpu"]
        subprocess.run(command, check=True, env=environment)
    assert (tmp_path / "out" / "clip.mid").read_bytes() == (tmp_path / "clip.mid").read_bytes()
    assert read_smf(tmp_path / "clip.mid") != ()
