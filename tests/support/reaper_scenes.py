"""REAPER's scripts in a fake REAPER: the scenes of tests/support/reaper, played by Lua."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.paths import ROOT, TESTS

BRIDGE = ROOT / "bridge" / "reaper"
STAGE = TESTS / "support" / "reaper"
INTERPRETERS = (pytest.param("lua5.3", marks=pytest.mark.slow), "lua5.4")  # of REAPER 6 and 7


def play(interpreter: str, scenes: str, name: str, folder: Path) -> None:
    """Play one scene; its error is the test's."""
    command = [interpreter, str(STAGE / "play.lua"), scenes, name, str(BRIDGE), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
