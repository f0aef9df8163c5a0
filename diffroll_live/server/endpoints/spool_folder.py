"""The files of the spool, a folder through which scripts without sockets talk to the daemon. Parses no message.

``in`` holds the messages of clients and ``out`` the replies, as ``CLIENT.NUMBER.jsonl``; ``audio`` holds recordings
that a client wrote for the daemon to read. A file appears complete, by a rename, and its reader deletes it. The
folder belongs to one user, and to one daemon.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from diffroll_live.errors import DiffrollError, FileError, TooLarge
from diffroll_live.files.lock import take_lock

logger = logging.getLogger(__name__)

MAX_FILE = 8 << 20  # bytes of one file of a client; 50,000 notes fit
_MAX_FILES = 64  # read at a time
_LINES = 128  # of one file of the daemon: some 10 kB, which a script reads in no time
_MAX_UNREAD = 256  # files that wait for one client before the rest waits in memory
_NAME = re.compile(r"([0-9a-f]{16})\.(\d{6,9})\.jsonl")

Arrival = tuple[str, bytes | DiffrollError]  # a client, and what it wrote or what is wrong with it


@dataclass(slots=True)
class SpoolFolder:
    """An open spool. Its methods block for as long as small files take; one thread at a time calls them."""

    path: Path
    lock: int  # a file descriptor
    written: Counter[str] = field(default_factory=Counter)  # files for each client so far

    @classmethod
    def open(cls, path: Path) -> Self:
        """Make the folder or take it over, and clear what an earlier daemon left in it.

        Raises errors.FileError when others have access to it, another daemon has it, or permissions are lacking.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_private(path)
            spool = cls(path, _lock(path / "lock"))
            try:
                spool._clear()
            except BaseException:
                spool.close()
                raise
        except OSError as error:
            reason = error.strerror or error
            raise FileError(f"The spool {path} cannot be used ({reason}); choose another with --spool.") from error
        return spool

    @property
    def inbox(self) -> Path:
        """Where clients put messages."""
        return self.path / "in"

    @property
    def outbox(self) -> Path:
        """Where they find replies."""
        return self.path / "out"

    @property
    def audio(self) -> Path:
        """Where they put recordings."""
        return self.path / "audio"

    def exchange(self, owed: Mapping[str, deque[str]], gone: Iterable[str] = ()) -> list[Arrival]:
        """Write the lines owed to each client, forget clients that are gone, and return what has arrived.

        Lines leave their queue once they are on disk. When it raises OSError, nothing is lost.
        """
        for client in gone:
            self.written.pop(client, None)
            for folder in (self.outbox, self.audio):
                _remove(folder.glob(f"{client}.*"))
        if any(owed.values()):
            unread = Counter(entry.name.partition(".")[0] for entry in os.scandir(self.outbox))
            for client, lines in owed.items():
                self._write(client, lines, _MAX_UNREAD - unread[client])
        return [(client, _read(path)) for client, path in self._waiting()]

    def close(self) -> None:
        """Release the folder to other daemons."""
        os.close(self.lock)

    def _clear(self) -> None:
        for folder in (self.inbox, self.outbox, self.audio):
            folder.mkdir(mode=0o700, exist_ok=True)
            check_private(folder)
            _remove(folder.iterdir())

    def _write(self, client: str, lines: deque[str], room: int) -> None:
        while lines and room > 0:
            batch = [lines[n] for n in range(min(len(lines), _LINES))]  # others may append in the meantime
            path = self.outbox / f"{client}.{self.written[client] + 1:06d}.jsonl"
            draft = path.with_suffix(".part")
            draft.write_text("".join(f"{line}\n" for line in batch), encoding="utf-8", newline="\n")
            draft.replace(path)
            self.written[client] += 1
            room -= 1
            for _ in batch:
                lines.popleft()

    def _waiting(self) -> Iterator[tuple[str, Path]]:
        names = sorted(match.groups() for entry in os.scandir(self.inbox) if (match := _NAME.fullmatch(entry.name)))
        for client, number in names[:_MAX_FILES]:
            yield client, self.inbox / f"{client}.{number}.jsonl"


def _read(path: Path) -> bytes | DiffrollError:
    """Read a client's file and delete it; links and devices are not followed."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(handle, "rb") as file:  # noqa: PTH123 - a descriptor is no path
            state = os.fstat(handle)
            if not stat.S_ISREG(state.st_mode):
                return FileError("What was put into the spool is not a file.")
            if state.st_size > MAX_FILE:
                return TooLarge(f"A file in the spool may have {MAX_FILE} bytes; send less at once.")
            return file.read(MAX_FILE)
    except OSError as error:
        return FileError(f"A file in the spool cannot be read ({error.strerror}); ask again.")
    finally:
        _remove([path])


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            logger.debug("%s stays: %s", path, error)


def is_taken(path: Path) -> bool:
    """Return whether a daemon has the spool. Changes nothing; raises errors.FileError when others have access to it."""
    check_private(path)
    if not (path / "lock").exists():
        return False
    try:
        os.close(_lock(path / "lock"))
    except FileError:
        return True
    return False


def check_private(path: Path) -> None:
    """Make sure that nobody else can put anything into a folder. Raises errors.FileError."""
    state = path.lstat()
    if not stat.S_ISDIR(state.st_mode):
        raise FileError(f"The spool {path} is not a folder; remove it, or choose another with --spool.")
    if os.name == "posix" and (state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) != 0o700):
        raise FileError(f"The spool {path} is open to others; make it yours alone: chmod 700 {path}")


def _lock(path: Path) -> int:
    """Lock the spool until the descriptor is closed, by us or by the system. Raises errors.FileError, OSError."""
    lock = take_lock(path)
    if lock is None:
        raise FileError(f"Another daemon has the spool {path.parent}; choose another with --spool.")
    return lock
