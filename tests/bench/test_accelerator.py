"""What a GPU is needed for, rehearsed on the CPU: with little to measure, and the packages of a bare machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT
from support.tiny import write_tiny_model

from diffroll_live.bench.accelerator.checks import CHECKS
from diffroll_live.bench.accelerator.report import tables

BARE = """
import importlib.abc, runpy, sys
class Bare(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {"torchaudio", "soundfile", "click", "rich", "mido", "pythonosc", "rtmidi", "sounddevice", "PIL"}:
            raise ModuleNotFoundError(f"a bare machine has no {name}")
sys.meta_path.insert(0, Bare())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def check(folder: Path, *words: str) -> tuple[int, dict]:
    model = write_tiny_model(folder / "tiny").path
    command = [sys.executable, "-c", BARE, ROOT / "script" / "gpu-check", folder / "out", "--rehearse"]
    done = subprocess.run([*command, "--device", "cpu", "--model", str(model), *words], check=False)
    return done.returncode, json.loads((folder / "out" / "gpu-check.json").read_text())


@pytest.mark.slow
def test_everything_is_rehearsed_with_the_packages_of_a_bare_machine(tmp_path):
    code, found = check(tmp_path)
    assert found["failures"] == {}
    assert code == 0
    assert list(found["checks"]) == list(CHECKS)
    assert all(found["checks"][name] for name in CHECKS if name != "training the composer")
    assert all(row["same"] for row in found["checks"]["the same bits"])
    assert found["tests"]["code"] in (0, 5)
    assert "there is no CUDA device" in found["tests"]["output"]
    written = (tmp_path / "out" / "gpu-check.md").read_text()
    assert written == tables(found)
    assert "### first note, ms" in written


@pytest.mark.slow
def test_without_time_everything_says_so(tmp_path):
    code, found = check(tmp_path, "--minutes", "0", "--only", "live, ms")
    assert code == 1
    assert found["failures"] == {"live, ms": "there was no time left"}


@pytest.mark.slow
def test_what_is_missing_on_a_bare_machine_travels(tmp_path):
    script = tmp_path / "script" / "gpu-check"
    script.parent.mkdir()
    script.write_text((ROOT / "script" / "gpu-check").read_text())
    subprocess.run([sys.executable, script, "--carry"], check=True)
    site = tmp_path / ".gpu-check"
    assert (site / "platformdirs" / "__init__.py").is_file()
    assert (site / "pytest" / "__init__.py").is_file()
    assert not list(site.rglob("*.so"))
    code = f"import sys; sys.path.append({str(site)!r}); import platformdirs, pytest"
    subprocess.run([sys.executable, "-S", "-I", "-c", code], check=True)
