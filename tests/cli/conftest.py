"""What tests of the commands share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Put back the level of the package's logger, which a command sets for the life of its process."""
    ours = logging.getLogger("diffroll_live")
    before = ours.level
    yield
    ours.setLevel(before)
