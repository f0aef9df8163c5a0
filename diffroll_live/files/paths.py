"""Which paths a client may name, and what the files of a result are called, all of them before the first is written."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from diffroll_live.errors import FileError, FileMissing, RequestError
from diffroll_live.files.destination import follow, is_system

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


def allowed_save_paths(path: str, variations: int, folders: Sequence[Path]) -> tuple[Path, ...]:
    """Resolve the paths of the MIDI files of ``variations`` that a client wants, the first of which it named.

    Raises errors.FileError, FileMissing for their folder, RequestError where two of them are one file.
    """
    first = _allowed_save_path(path, folders)
    others = [_allowed_save_path(str(other), folders) for other in variation_paths(first, variations)[1:]]
    check_outputs([first, *others], ())
    return (first, *others)


def _allowed_save_path(path: str, folders: Sequence[Path]) -> Path:
    resolved = allowed_path(path, folders)
    if resolved.suffix.lower() not in MIDI_SUFFIXES:
        raise FileError(f"{path!r} does not end in .mid; only MIDI files are written.")
    if resolved.exists() and not resolved.is_file():
        raise FileError(f"{path!r} exists and is not a file; choose another name.")
    if not resolved.parent.is_dir():
        raise FileMissing(f"The folder {resolved.parent} does not exist; make it first.")
    return resolved


def variation_paths(path: Path, variations: int) -> tuple[Path, ...]:
    """Name the files of variations: ``name.mid``, ``name-2.mid``, ``name-3.mid``."""
    others = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, variations + 1))
    return (path, *others)


def check_outputs(outputs: Sequence[Path], inputs: Iterable[Path]) -> None:
    """Make sure that every output can be written without loss, before any is.

    Names that differ only in case or in how letters are composed count as one, as they are one on many disks. Raises
    errors.FileError for one that would overwrite an input or is in nobody's power to write, RequestError where two are
    one file.
    """
    owners: dict[object, Path] = {}
    for path in inputs:
        with contextlib.suppress(FileError):  # which is said when it is read
            owners.update(dict.fromkeys(_keys(follow(path)), path))
    read = set(owners.values())
    for path in outputs:
        place = follow(path)
        _check_place(path, place)
        for key in _keys(place):
            other = owners.setdefault(key, path)
            if other in read:
                raise FileError(f"{path} is an input, and would be overwritten; choose another path.")
            if other is not path:
                raise RequestError(f"{other} and {path} would be written to one file; choose different names.")


def _check_place(path: Path, place: Path) -> None:
    try:
        if is_system(place) and not place.exists():
            raise FileMissing(f"There is no device {path}; choose another place.")
        if not is_system(place) and place.exists() and not place.is_file():
            raise FileError(f"{path} exists and is not a file; choose another name.")
    except OSError as error:
        raise FileError(f"{path} cannot be written ({error.strerror}); choose another place.") from error


def _keys(place: Path) -> set[object]:
    """What a file is known by: its place, links followed, and what it is on its disk where it exists."""
    keys: set[object] = {unicodedata.normalize("NFC", str(place)).casefold()}
    try:
        found = place.stat()
    except OSError:
        return keys
    return keys if is_system(place) else keys | {(found.st_dev, found.st_ino)}
