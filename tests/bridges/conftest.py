"""What tests of several bridges share."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.running import RunningDaemon


@pytest.fixture
def take(daemon: RunningDaemon, make_wav, request) -> Path:
    """A recording of two seconds that the daemon may read, its name as hard as a user's."""
    folder = daemon.folder / request.node.name
    folder.mkdir(exist_ok=True)
    return make_wav(folder / "tête à tête.wav")
