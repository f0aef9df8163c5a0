"""Results in files that appear complete or not at all: written beside their place, then renamed. Knows no format."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from diffroll_live.errors import FileError, FileMissing


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, or leave what was there as it was.

    Raises FileMissing when there is no such folder, FileError when the file cannot be written, as on a full disk.
    """
    if path.exists() and not path.is_file():  # a rename would put a file in the place of a device
        raise FileError(f"Cannot write {path} (it is no file); choose another place.")
    draft = path.with_name(f".{secrets.token_hex(8)}.part")  # short, so that every name that fits can be written
    try:
        with draft.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except FileNotFoundError as error:
        raise FileMissing(f"Cannot write {path} (there is no folder {path.parent}); choose another place.") from error
    except OSError as error:
        reason = error.strerror or error
        raise FileError(f"Cannot write {path} ({reason}); free some space, or choose another place.") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
