"""Waiting for what must come to hold; never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

TIMEOUT = 30.0  # s; only a failing test waits this long


def wait_until(holds: Callable[[], object], what: str, seconds: float = TIMEOUT) -> None:
    """Poll until something holds; fail, saying what, when it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for: {what}"
        time.sleep(0.01)
