"""What was found, as one JSON document, and as tables in Markdown for the README and the model's figures."""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from diffroll_live import __version__
from diffroll_live.bench.accelerator.checks import CHECKS, Row
from diffroll_live.bench.accelerator.day import Day

TESTS = ("tests/engine/test_cuda.py",)
MOST_TEST_SECONDS = 150.0
TAIL = 4000  # characters of the tests' output that are kept

logger = logging.getLogger(__name__)

Say = Callable[[str], None]


def machine(device: str) -> dict[str, str]:
    """Name the card and the software."""
    card = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return {
        "card": card,
        "torch": torch.__version__,
        "cuda": str(torch.version.cuda),
        "python": platform.python_version(),
        "version": __version__,
    }


def run_checks(day: Day, folder: Path, root: Path, only: Sequence[str], say: Say) -> dict[str, Any]:
    """Run the tests and the checks in order; what is found is written to ``folder`` after each, whatever comes next."""
    found: dict[str, Any] = {"machine": machine(day.device_type), "checks": {}, "failures": {}}
    if not only:
        say("tests")
        found["tests"] = run_tests(root, day)
        _write(found, folder)
    for name, check in CHECKS.items():
        if only and name not in only:
            continue
        say(name)
        begin = time.monotonic()
        try:
            if day.left() <= 0:
                raise TimeoutError("there was no time left")
            found["checks"][name] = check(day)
        except Exception as error:
            logger.exception("the check %r came to nothing", name)
            found["failures"][name] = str(error)
        found.setdefault("seconds", {})[name] = round(time.monotonic() - begin, 1)
        _write(found, folder)
    return found


def run_tests(root: Path, day: Day) -> dict[str, Any]:
    """Run the tests that need a CUDA device; where there is none, all of them are skipped."""
    paths = os.pathsep.join([str(root), str(root / "tests"), *sys.path])
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-c", os.devnull]
    command += ["--rootdir", str(root), "--import-mode=importlib", *(str(root / test) for test in TESTS)]
    limit = max(10.0, min(MOST_TEST_SECONDS, day.left()))
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"code": None, "output": f"cut off after {limit:.0f} s"}
    return {"code": done.returncode, "output": (done.stdout + done.stderr)[-TAIL:]}


def tables(found: Mapping[str, Any]) -> str:
    """Lay everything out in Markdown."""
    about = found["machine"]
    lines = [f"On {about['card']}, torch {about['torch']}, Python {about['python']}, version {about['version']}.", ""]
    for name, rows in found["checks"].items():
        lines += [f"### {name}", "", *_table(rows), ""] if rows else []
    lines += [f"* {name}: {why}" for name, why in found["failures"].items()]
    return "\n".join(lines).rstrip() + "\n"


def _table(rows: Sequence[Row]) -> list[str]:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return head + ["| " + " | ".join(_cell(row.get(column, "")) for column in columns) + " |" for row in rows]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def _write(found: Mapping[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gpu-check.json").write_text(json.dumps(found, indent=2))
    (folder / "gpu-check.md").write_text(tables(found))
