"""A log that rotates: where it is, and its handler. Old lines are dropped, so that it never fills a disk."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

import platformdirs

from diffroll_live.errors import FileError

MAX_BYTES = 1 << 20
KEPT = 4  # older files beside the newest


def log_folder() -> Path:
    """Where this system keeps a user's logs."""
    return platformdirs.user_log_path("diffroll-live", appauthor=False, opinion=False)


def log_path() -> Path:
    """Where the service logs."""
    return log_folder() / "serve.log"


def log_files() -> tuple[Path, ...]:
    """The files of the log that exist, from the oldest to the newest."""
    newest = log_path()
    older = (newest.with_name(f"{newest.name}.{number}") for number in range(KEPT, 0, -1))
    return tuple(path for path in (*older, newest) if path.is_file())


def log_handler(path: Path) -> logging.Handler:
    """Open a log for appending. Raises FileError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8", errors="replace")
    except OSError as error:
        raise FileError(f"The log {path} cannot be written ({error.strerror}); choose another --log-file.") from error
