"""Files of a run, written whole or not at all.

The draft has a fixed name, unlike that of ``whole_file``: what a killed run leaves, its next save writes over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from diffroll_live.errors import FileError


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside ``path`` for writing bytes; it takes the place of ``path`` when the block ends well.

    Raises FileError when it cannot be written, as on a full disk; ``path`` is then what it was.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # torch says RuntimeError when its file cannot be written
        raise FileError(f"Cannot write {path} ({error}); free some space or choose another folder.") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it. Raises FileError when that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"Cannot make the folder {path} ({error.strerror}); choose another one.") from error
