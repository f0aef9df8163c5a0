"""The record of an installation, a file beside the bridge; read with care, since anything may have written there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from diffroll_live import __version__
from diffroll_live.errors import FileError


@dataclass(frozen=True, slots=True)
class Record:
    """What an installation did: files copied, with hashes; files moved out of the way; folders created.

    Every path is relative to the host's root, with slashes.
    """

    files: dict[str, str]
    backups: dict[str, str]
    folders: tuple[str, ...]


def read_record(name: str, root: Path) -> Record | None:
    """Read the record of an installation; None if there is none. Raises FileError for a damaged one."""
    path = record_path(name, root)
    if not path.is_file():
        return None
    try:
        said = json.loads(read(path))
        record = Record(dict(said["files"]), dict(said["backups"]), tuple(said["folders"]))
    except (ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path} is damaged; remove it and the bridge's files by hand, then install again.") from error
    inside = [*record.files, *record.backups, *record.backups.values(), *record.folders]
    if any(Path(each).is_absolute() or ".." in Path(each).parts for each in inside):
        raise FileError(f"{path} names files outside {root}; remove it by hand, then install again.")
    return record


def record_path(name: str, root: Path) -> Path:
    """The path of a host's record."""
    return root / f".diffroll-live-{name}.json"


def encode(record: Record) -> bytes:
    """Write a record as the bytes of its file."""
    said = {"version": __version__, "files": record.files, "backups": record.backups, "folders": record.folders}
    return (json.dumps(said, indent=1) + "\n").encode()


def read(path: Path) -> bytes:
    """Read a file. Raises FileError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"Cannot read {path} ({error.strerror}).") from error


def is_as_known(path: Path, known: str) -> bool:
    """Whether a file exists with this fingerprint."""
    return path.is_file() and fingerprint(read(path)) == known


def fingerprint(data: bytes) -> str:
    """Hash the contents of a file: SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
