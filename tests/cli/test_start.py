"""What commands import: nothing that they do not need, so that they start at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

LARGE = ("torch", "torchaudio", "matplotlib", "scipy", "rich", "numpy", "mido", "asyncio", "sounddevice")
LARGE += ("prometheus_client", "zeroconf", "mcp", "pydantic")
PRINT_MODULES = """
import sys
from diffroll_live.cli.app import run
run(sys.argv[2:])
print("imported", [name for name in sys.argv[1].split(",") if name in sys.modules])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "needed"),
    [
        (("--help",), ()),
        (("doctor", "--quick", "--json"), ()),
        (("transcribe", "--help"), ("numpy", "mido")),
        (("serve", "--help"), ()),
        (("mcp", "--help"), ()),
        (("service", "status"), ()),
    ],
    ids=" ".join,
)
def test_a_command_imports_only_what_it_needs(command: tuple[str, ...], needed: tuple[str, ...]) -> None:
    asked = [sys.executable, "-c", PRINT_MODULES, ",".join(LARGE), *command]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    imported = done.stdout.splitlines()[-1]
    assert imported.startswith("imported")
    assert [name for name in LARGE if repr(name) in imported and name not in needed] == []


@pytest.mark.slow
def test_the_network_of_the_project_is_loaded_without_torchaudio() -> None:
    program = "import sys, diffroll_live.engine.loading; print('torchaudio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
