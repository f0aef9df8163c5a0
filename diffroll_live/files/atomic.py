"""Files that appear complete or not at all: written beside their final place, then renamed. Knows no format."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.destination import follow, is_system, open_system

DRAFTS = ".*.part"


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a draft of ``path`` for writing bytes; it replaces ``path`` when the block ends without an error.

    Otherwise ``path`` stays as it was. Where ``path`` is a symbolic link, what it leads to is replaced. A device or
    stream of the system (under /dev or /proc) is not: it gets the bytes when the block ends.
    Raises FileMissing when there is no such folder or device, FileError when the file cannot be written, as on a full
    disk.
    """
    place = follow(path)
    try:
        with _written_at_once(place) if is_system(place) else _drafted(path, place) as stream:
            yield stream
    except FileNotFoundError as error:
        what = f"device {place}" if is_system(place) else f"folder {place.parent}"
        raise FileMissing(f"Cannot write {path} (there is no {what}); choose another place.") from error
    except (OSError, RuntimeError) as error:  # torch raises RuntimeError when it cannot write its file
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"Cannot write {path} ({reason}); free some space, or choose another place.") from error


@contextlib.contextmanager
def _drafted(path: Path, place: Path) -> Iterator[BinaryIO]:
    if place.exists() and not place.is_file():  # a rename would replace a pipe by a file
        raise FileError(f"Cannot write {path} (it is not a file); choose another place.")
    draft = place.with_name(f".{secrets.token_hex(8)}.part")  # short, so that every name that fits can be written
    try:
        with draft.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(place)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _written_at_once(place: Path) -> Iterator[BinaryIO]:
    draft = io.BytesIO()
    yield draft
    with os.fdopen(open_system(place), "wb") as stream:
        stream.write(draft.getvalue())


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file, or leave the old one as it was. Raises as ``atomic_file`` does."""
    with atomic_file(path) as stream:
        stream.write(data)


def clear_drafts(folder: Path) -> None:
    """Remove the drafts of a process that was killed while writing; for a folder that nobody else is writing to."""
    for draft in folder.glob(DRAFTS):
        with contextlib.suppress(OSError):
            draft.unlink()


def make_folder(path: Path) -> None:
    """Make a folder and those above it. Raises FileError when that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"Cannot make the folder {path} ({error.strerror}); choose another one.") from error
