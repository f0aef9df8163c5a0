"""The Remote Script of Ableton Live: in a fake Live with a real daemon over UDP, under this Python and under 3.7.

Python 3.7 is what Live 11 and 12.0 embed; where no such interpreter is installed its syntax is checked all the same.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from support import ableton_play
from support.live_world import SCRIPT
from support.paths import TESTS

from diffroll_live import __version__

SOURCES = sorted(SCRIPT.glob("*.py"))
#: All that the script may import: modules that Python 3.7 has, what Live brings, and what stands beside it.
ALLOWED = {
    *("__future__", "binascii", "bisect", "collections", "contextlib", "json", "math", "os", "pathlib", "socket"),
    *("struct", "sys", "time", "traceback", "types", "typing"),
    *("Live", "ableton.v2.control_surface"),
}


def oldest_python() -> str:
    """Find Python 3.7, on the path or in pyenv's and uv's folders; otherwise it is this one."""
    homes = (Path.home() / ".pyenv" / "versions", Path.home() / ".local" / "share" / "uv" / "python")
    found = [str(path) for home in homes for path in sorted(home.glob("*3.7*/bin/python3.7"))]
    return next(filter(_is_37, ["python3.7", *found]), sys.executable)


def _is_37(name: str) -> bool:
    try:
        run = subprocess.run([name, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True)
    except OSError:
        return False
    return run.stdout.strip() == "(3, 7)"


@pytest.mark.realtime
@pytest.mark.parametrize("scenario", ableton_play.SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_in_live(daemon, scenario):
    ableton_play.play(scenario, daemon.port, daemon.folder)


@pytest.mark.realtime
def test_all_of_it_without_packages_and_under_the_oldest_python(daemon):
    command = [oldest_python(), "-W", "error", "-m", ableton_play.__name__, str(daemon.port), str(daemon.folder)]
    run = subprocess.run(
        command, cwd=TESTS, capture_output=True, text=True, env={"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [scenario.__name__ for scenario in ableton_play.SCENARIOS]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_syntax_is_that_of_python_3_7(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0}
    assert names <= ALLOWED
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"eval", "exec", "compile", "__import__"}


def test_it_has_the_version_of_the_package():
    assert f'VERSION = "{__version__}"' in (SCRIPT / "version.py").read_text(encoding="utf-8")


def test_there_is_no_thread():
    assert not any("thread" in path.read_text(encoding="utf-8").replace("no threads", "") for path in SOURCES)


def test_the_scenarios_are_found():
    assert len(ableton_play.SCENARIOS) > 30
