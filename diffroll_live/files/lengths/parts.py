"""Parts of an audio file that libsndfile reads whole, with other bytes in place of a header that is wrong."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes [begin, end) of a file, with ``head`` before them.

    ``is_exact`` says that a header knows the length, so that less audio is damage, and not just the end.
    """

    begin: int
    end: int
    head: bytes = b""
    is_exact: bool = True


class PartReader(io.RawIOBase):
    """A part as a file to read from."""

    def __init__(self, path: Path, part: Part) -> None:
        super().__init__()
        self.name = path.name
        self._file = path.open("rb")
        self._part = part
        self._size = len(part.head) + part.end - part.begin
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position, in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, and return it."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer, as far as there are bytes; return how many there were."""
        view = memoryview(buffer).cast("B")
        last = min(self._at + len(view), self._size)
        head = self._part.head[self._at : last]
        begin = max(self._at + len(head), len(self._part.head))
        self._file.seek(self._part.begin + begin - len(self._part.head))
        data = head + self._file.read(max(last - begin, 0))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
