"""A file that one process holds at a time, until it ends at the latest."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def take_lock(path: Path) -> int | None:
    """Lock a file, which is made where there is none, until its descriptor is closed; None: another process has it.

    Raises OSError where the file cannot be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError | PermissionError):  # how locks are refused here and on Windows
            return None
        raise
    return handle
