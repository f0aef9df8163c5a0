"""Commands in odd surroundings: names that are not UTF-8, poor terminals, closed and full streams, no home."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diffroll_live.cli import exit_codes
from diffroll_live.config import ServerConfig, load_config
from diffroll_live.errors import RequestError

FULL = Path("/dev/full")
#: Runs the command line over the fake engine; the arguments are those of the command.
PROGRAM = """
import sys, types
from support.fake_engine import FakeEngine
room = types.ModuleType("diffroll_live.engine.loading")
room.load_engine = lambda model, device, threads=None, warm=True: FakeEngine()
sys.modules["diffroll_live.engine.loading"] = room
from diffroll_live.cli.app import run
sys.exit(run(sys.argv[1:]))
"""
TESTS = Path(__file__).parents[1]


def command(*arguments: str | bytes, redirect: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command; ``redirect`` is the shell's, such as ``>&-``."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]), **environment}
    words = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirect}', "sh", *words], capture_output=True, check=False, env=variables
    )


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("a.wav", "b.wav")]
    for path in paths:
        soundfile.write(path, 0.1 * np.sin(np.arange(16_000) / 10), 16_000)
    return paths


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_a_name_that_is_not_utf_8_costs_no_other(clips, tmp_path, encoding):
    odd = os.fsencode(tmp_path) + b"/0\xe9.wav"
    Path(os.fsdecode(odd)).write_bytes(clips[0].read_bytes())
    out, gone = tmp_path / "out", os.fsencode(tmp_path) + b"/gone\xe9.wav"
    done = command(
        "transcribe", odd, gone, str(clips[1]), "-o", f"{out}/", "--plot", f"{out}/", PYTHONIOENCODING=encoding
    )
    assert done.returncode == exit_codes.FILE, done.stderr
    assert b"Traceback" not in done.stderr
    assert re.search(rb"gone\S+\.wav does not exist", done.stderr)
    assert {os.fsencode(path.name) for path in out.iterdir()} == {b"0\xe9.mid", b"0\xe9.png", b"b.mid", b"b.png"}


@pytest.mark.slow
@pytest.mark.parametrize("redirect", [">&-", "2>&-", "<&- >&- 2>&-", "| true"])
def test_streams_that_are_closed_stop_nothing(clips, tmp_path, redirect):
    done = command("transcribe", *map(str, clips), "-o", f"{tmp_path}/out/", redirect=redirect)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.mid", "b.mid"]


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason="asks for /dev/full")
def test_a_full_stdout_is_said_once_and_the_rest_is_done(clips, tmp_path):
    done = command("transcribe", *map(str, clips), "-o", f"{tmp_path}/out/", redirect=">/dev/full")
    assert done.returncode == exit_codes.FILE
    assert done.stderr.count(b"Error: Standard output cannot be written (No space left on device)") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.mid", "b.mid"]
    assert command("--help", redirect=">/dev/full").returncode == exit_codes.FILE
    assert (
        command("transcribe", str(clips[0]), "--json", redirect=">/dev/full 2>/dev/full").returncode == exit_codes.FILE
    )


@pytest.mark.parametrize("home", ["", "/"])
def test_without_a_home_the_whole_disk_is_not_one(monkeypatch, home):
    monkeypatch.setenv("HOME", home)
    config = ServerConfig()
    assert Path("/") not in config.allowed_folders
    assert config.spool_folder is None
    with pytest.raises(RequestError, match="no home folder"):
        load_config(flags={"server.allowed_folders": ["~"]})


def test_an_empty_home_is_as_none_and_the_systems_is_taken():
    code = "import os; from diffroll_live.cli.surroundings import settle; settle(); print(os.path.expanduser('~'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "HOME": ""}, capture_output=True, text=True, check=True
    )
    home = Path(done.stdout.strip())
    assert home.is_dir()
    assert home != Path("/")


def test_a_user_who_is_not_in_passwd_has_a_private_home(monkeypatch, tmp_path):
    monkeypatch.delenv("HOME", raising=False)
    code = """
import os, pwd, stat, tempfile
def nobody(_): raise KeyError
pwd.getpwuid = nobody
from diffroll_live.cli.surroundings import settle
settle()
found = os.stat(os.environ["HOME"])
print(os.environ["HOME"], oct(stat.S_IMODE(found.st_mode)), found.st_uid == os.getuid())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stdout.split() == [f"{tmp_path}/diffroll-live-{os.getuid()}", "0o700", "True"], done.stderr
