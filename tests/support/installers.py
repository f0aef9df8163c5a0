"""The real wheel, Pythons of other versions, and the programs that people install with; nothing is fetched twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from support.paths import ROOT

UV = ROOT / ".uv" / ("Scripts" if os.name == "nt" else "bin") / "uv"
SHARED = next(path for path in sys.path if path.endswith("site-packages"))  # with all that the wheel depends on


@cache
def cached() -> dict[str, str]:
    """What lets an installer take the versions that `make install` has left in uv's cache, without copying them."""
    folder = run([str(UV), "cache", "dir"]).stdout.strip()
    return {"UV_CACHE_DIR": folder, "UV_LINK_MODE": "symlink", "UV_CONSTRAINT": str(ROOT / "requirements.txt")}


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def find_python(version: str) -> str:
    """Find a Python on the path or among pyenv's, or have uv find or fetch one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    named = shutil.which(f"python{version}")
    for candidate in (*([named] if named else []), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))):
        if run([candidate, "-c", "print('works')"], check=False).returncode == 0:
            return candidate
    run([str(UV), "python", "install", version])
    return run([str(UV), "python", "find", "--no-project", version]).stdout.strip()


def run(command: list[str], *, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command without this project's environment, and show what it printed if it fails."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        command, env={**kept, "PYTHONUTF8": "1", **environment}, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done


def with_pip(python: str, wheel: Path, folder: Path) -> list[str]:
    """Install into a new environment with plain pip, which finds all dependencies where PYTHONPATH leads."""
    run([python, "-m", "venv", str(folder / "venv")])
    inside = folder / "venv" / "bin"
    run([str(inside / "python"), "-m", "pip", "install", "--no-index", str(wheel)], PYTHONPATH=SHARED)
    return ["env", f"PYTHONPATH={SHARED}", str(inside / "diffroll-live")]


def with_uv(python: str, wheel: Path, folder: Path) -> list[str]:
    """Install as ``uv tool install`` does."""
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    run([str(UV), "tool", "install", "--python", python, str(wheel)], **places, **cached())
    return [str(folder / "bin" / "diffroll-live")]


def with_uvx(python: str, wheel: Path, folder: Path) -> list[str]:
    """Install nothing: ``uvx`` runs the program from an environment of its own."""
    places = {"UV_TOOL_DIR": str(folder / "tools"), **cached()}
    pairs = [f"{name}={value}" for name, value in places.items()]
    return ["env", *pairs, str(UV), "tool", "run", "--python", python, "--from", str(wheel), "diffroll-live"]


def with_pipx(python: str, wheel: Path, folder: Path) -> list[str]:
    """Install with pipx, which leaves the work to uv where it finds it."""
    places = {"PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(folder / "bin")}
    path = os.pathsep.join([str(UV.parent), os.environ["PATH"]])
    run([sys.executable, "-m", "pipx", "install", "--python", python, str(wheel)], PATH=path, **places, **cached())
    return [str(folder / "bin" / "diffroll-live")]


Installer = Callable[[str, Path, Path], list[str]]
#: By name; each gives the words that begin a command line of the installed program.
INSTALLERS: dict[str, Installer] = {"pip": with_pip, "uv tool install": with_uv, "uvx": with_uvx, "pipx": with_pipx}
