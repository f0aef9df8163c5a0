"""What a command finds around it, put right before it runs: standard streams that are closed, a missing home."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path


def settle() -> None:
    """Make the standard streams take any text, and see to it that there is a home folder, which is never ``/``."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a stand-in may have none
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # what a terminal or an old file name has no letters for
    if not _has_home():
        os.environ["HOME"] = os.environ["USERPROFILE"] = str(_private_folder())


def silence_stdout() -> None:
    """Let what is still printed go nowhere, once nobody can read it or nothing more fits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _open_closed_streams() -> None:
    """Put nothing in the place of closed streams, lest the next file that is opened be taken for one."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _has_home() -> bool:
    """Whether this user has a home folder. An empty HOME counts as none was set."""
    if os.environ.get("HOME") == "":
        del os.environ["HOME"]
    try:
        home = Path.home()
    except RuntimeError:  # the user is not in passwd
        return False
    return home.is_absolute() and home != Path(home.anchor)


def _private_folder() -> Path:
    """A folder of this user's own among the temporary ones, the same every time unless others took its name."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"diffroll-live-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="diffroll-live-"))
    is_own = stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == user)
    return folder if is_own else Path(tempfile.mkdtemp(prefix="diffroll-live-"))
