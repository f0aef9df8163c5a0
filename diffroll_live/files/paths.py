"""Which paths a client may name, and what the files of a result are called. Reads and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from diffroll_live.errors import FileError, FileMissing

MIDI_SUFFIXES = frozenset({".mid", ".midi"})


def allowed_path(path: str, folders: Sequence[Path]) -> Path:
    """Resolve a path that a client named, symbolic links followed, and make sure that it lies within ``folders``.

    Raises errors.FileError when it does not; whether it exists is not looked at.
    """
    try:
        named = Path(path).expanduser()
        resolved = named.resolve()
        if named.is_absolute() and any(resolved.is_relative_to(folder.resolve()) for folder in folders):
            return resolved
    except (OSError, ValueError, RuntimeError) as error:
        raise FileError(f"{path!r} is no usable path: {error}.") from error
    if not named.is_absolute():
        raise FileError(f"{path!r} is relative; send the whole path.")
    allowed = ", ".join(str(folder) for folder in folders) or "none"
    raise FileError(f"{path!r} is outside the allowed folders ({allowed}); add its folder to server.allowed_folders.")


def allowed_save_path(path: str, folders: Sequence[Path]) -> Path:
    """Resolve a path where a client wants a MIDI file. Raises errors.FileError, FileMissing for its folder."""
    resolved = allowed_path(path, folders)
    if resolved.suffix.lower() not in MIDI_SUFFIXES:
        raise FileError(f"{path!r} does not end in .mid; only MIDI files are written.")
    if resolved.exists() and not resolved.is_file():
        raise FileError(f"{path!r} exists and is not a file; choose another name.")
    if not resolved.parent.is_dir():
        raise FileMissing(f"The folder {resolved.parent} does not exist; make it first.")
    return resolved


def variation_path(path: Path, number: int) -> Path:
    """Name the file of a variation, counted from 1: ``name.mid``, ``name-2.mid``, ``name-3.mid``."""
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
