"""Where writing to a path ends up: links are followed, streams and devices are opened as they are. Writes nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

from diffroll_live.errors import FileError

_MOST_LINKS = 40  # as Linux has it
_SYSTEM = ("dev", "proc")  # folders of devices and of processes
_MEMORY = "shm"  # a folder of ordinary files among them
_OPEN_FILE = re.compile(r"/(?:dev|proc/(?:self|thread-self|(?P<process>\d+)))/fd/(?P<number>\d+)")


def follow(path: Path) -> Path:
    """Follow the symbolic links of a path to what lies there, or would; within the system's folders to a device.

    Raises FileError where links lead in a circle, and for a name that no disk can have.
    """
    try:
        place = _within_its_folder(path)
        for _ in range(_MOST_LINKS):
            if _OPEN_FILE.fullmatch(str(place)) or not place.is_symlink():
                return place
            place = _within_its_folder(place.parent / place.readlink())
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{path} cannot be used ({reason}); choose another place.") from error
    raise FileError(f"{path} is a symbolic link that leads in a circle; choose another place.")


def is_system(place: Path) -> bool:
    """Whether a place, links followed, is the system's: a device, or what a process has open."""
    root, *parts = place.parts
    return root == "/" and len(parts) > 1 and parts[0] in _SYSTEM and parts[1] != _MEMORY


def open_system(place: Path) -> int:
    """Open a device, or what a process has open, for writing; return the file descriptor. Raises OSError."""
    stream = _OPEN_FILE.fullmatch(str(place))
    if stream and stream["process"] in (None, str(os.getpid())):
        return os.dup(int(stream["number"]))  # opened anew, a file would be cut off and begun again
    return os.open(place, os.O_WRONLY)


def _within_its_folder(path: Path) -> Path:
    """Resolve the folder of a path, and leave its last part as it is."""
    absolute = path.resolve() if path.name in ("", "..") else path
    return absolute.parent.resolve() / absolute.name
