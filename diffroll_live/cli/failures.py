"""How a failure looks at the terminal: a sentence and an exit code, never a traceback."""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import click
import platformdirs

from diffroll_live.cli import exit_codes
from diffroll_live.errors import DiffrollError

logger = logging.getLogger(__name__)


def report(error: DiffrollError) -> int:
    """Print the error's sentence and return its exit code."""
    complain(error.text)
    return exit_codes.BY_ERROR.get(error.code, exit_codes.INTERNAL)


def report_unexpected(error: BaseException, *, debug: bool) -> int:
    """Print one sentence that says where the traceback is; with ``debug``, print the traceback itself."""
    trace = "".join(traceback.format_exception(error))
    if debug:
        sys.stderr.write(trace)
        return exit_codes.INTERNAL
    kept = _keep(trace)
    where = f"the details are in {kept}" if kept else "run it again as 'diffroll-live --debug ...' for the details"
    complain(f"Something went wrong inside diffroll-live ({type(error).__name__}); {where}.")
    return exit_codes.INTERNAL


def complain(sentence: str) -> None:
    """Print a failure on stderr, in red on a terminal."""
    click.echo(click.style("Error: ", fg="red", bold=True) + sentence, err=True)


def warn(sentence: str) -> None:
    """Print on stderr what is no failure, but should be known."""
    click.echo(click.style("Warning: ", fg="yellow", bold=True) + sentence, err=True)


def log_path() -> Path:
    """Return the log file for tracebacks of unexpected failures."""
    return platformdirs.user_log_path("diffroll-live", appauthor=False, opinion=False) / "errors.log"


def _keep(trace: str) -> Path | None:
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {' '.join(sys.argv)}\n{trace}\n")
    except OSError as error:
        logger.warning("no log at %s: %s", path, error)
        return None
    return path
