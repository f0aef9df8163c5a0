"""How a failure looks at the terminal: a sentence and an exit code, never a traceback."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import click

from diffroll_live.cli import exit_codes
from diffroll_live.cli.log_file import log_folder
from diffroll_live.cli.surroundings import silence_stdout
from diffroll_live.errors import DiffrollError, FileError

logger = logging.getLogger(__name__)

#: Numbers of errors that mean that a path cannot be followed or used ...
IMPOSSIBLE = frozenset({errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM})
#: ... or that what is printed has no place.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EFBIG})


def report(error: DiffrollError) -> int:
    """Print the error's sentence and return its exit code."""
    complain(error.text)
    return exit_codes.BY_ERROR.get(error.code, exit_codes.INTERNAL)


def report_unexpected(error: BaseException, *, debug: bool) -> int:
    """Print one sentence that says where the traceback is; with ``debug``, print the traceback itself."""
    trace = "".join(traceback.format_exception(error))
    if debug:
        _print_error(trace.rstrip())
        return exit_codes.INTERNAL
    kept = _keep(trace)
    where = f"the details are in {kept}" if kept else "run it again as 'diffroll-live --debug ...' for the details"
    complain(f"Something went wrong inside diffroll-live ({type(error).__name__}); {where}.")
    return exit_codes.INTERNAL


def complain(sentence: str) -> None:
    """Print a failure on stderr, in red on a terminal."""
    _print_error(click.style("Error: ", fg="red", bold=True) + sentence)


def warn(sentence: str) -> None:
    """Print on stderr what is no failure, but should be known."""
    _print_error(click.style("Warning: ", fg="yellow", bold=True) + sentence)


def _print_error(text: str) -> None:
    with contextlib.suppress(OSError):  # stderr is full, or nobody reads it
        click.echo(text, err=True)


def tell(text: str, *, err: bool = False) -> None:
    """Print what a command has done. Whoever stops reading wants no more; the work goes on.

    Raises FileError where it cannot be written, as on a full disk.
    """
    try:
        click.echo(text, err=err)
    except BrokenPipeError:
        silence_stdout()
    except OSError as error:
        silence_stdout()
        raise unprintable(error) from error


def refusal(error: OSError) -> FileError | None:
    """What is said of an error that no command expected, if it is about a path or about standard output."""
    if error.filename is None:
        return unprintable(error) if error.errno in FULL else None
    if error.errno not in IMPOSSIBLE:
        return None
    return FileError(f"{os.fsdecode(error.filename)} cannot be used ({error.strerror}); choose another path.")


def unprintable(error: OSError) -> FileError:
    """What is said where standard output cannot be written."""
    return FileError(f"Standard output cannot be written ({error.strerror}); free some space, or print elsewhere.")


def log_path() -> Path:
    """Return the log file for tracebacks of unexpected failures."""
    return log_folder() / "errors.log"


def _keep(trace: str) -> Path | None:
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {' '.join(sys.argv)}\n{trace}\n")
    except OSError as error:
        logger.warning("no log at %s: %s", path, error)
        return None
    return path
