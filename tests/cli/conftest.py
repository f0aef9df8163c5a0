"""What tests of the commands share."""

from __future__ import annotations

import logging
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli_engine import CliEngine, write_clip


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Put back the level of the package's logger, which a command sets for the life of its process."""
    ours = logging.getLogger("diffroll_live")
    before = ours.level
    yield
    ours.setLevel(before)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> CliEngine:
    """Stands where the real engine is imported from."""
    fake = CliEngine()
    module = types.ModuleType("diffroll_live.engine.loading")
    module.load_engine = lambda model, device, threads=None, warm=True: fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "diffroll_live.engine.loading", module)
    return fake


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.wav")
