"""What is left to do of an archive, and what becomes of each answer: a file of notes, a row of the report."""

from __future__ import annotations

import errno
import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from diffroll_live.archive.items import Answer, Item, Transcribed, Untranscribed
from diffroll_live.archive.report import Entry, Report
from diffroll_live.errors import FileError
from diffroll_live.files.atomic import make_folder, write_atomic
from diffroll_live.files.paths import variation_paths
from diffroll_live.types import Options

#: Numbers of errors that the next file would meet as well.
_LASTING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG})
_USUAL = asdict(Options())  # a version that knows more options does nothing again


@dataclass(frozen=True, slots=True)
class Results:
    """The folder of an archive's results; ``model`` is the sha256 of the one that transcribes."""

    folder: Path
    report: Report
    model: str
    options: Options

    def left(self, items: Iterable[Item]) -> list[Item]:
        """Those that are not done: new or changed since, failed, done otherwise, or without their files."""
        return [item for item in items if not self._is_done(item)]

    def keep(self, item: Item, answer: Answer) -> Entry:
        """Write the notes of a recording and its row. Raises FileError when no more can be written."""
        if isinstance(answer, Transcribed):
            answer = self._write(item, answer)
        if isinstance(answer, Untranscribed):
            return self.fail(answer, self._origin(item))
        return self.report.entries[item.name]

    def fail(self, answer: Untranscribed, origin: str = "") -> Entry:
        """Write the row of a recording without notes; the files of an earlier run stay, and stay known."""
        old = self.report.entries.get(answer.name)
        entry = Entry(answer.name, "failed", code=answer.code, text=answer.text, origin=origin)
        self.report.add(replace(entry, midi=old.midi, crc32=old.crc32) if old is not None else entry)
        return self.report.entries[answer.name]

    def _is_done(self, item: Item) -> bool:
        entry = self.report.entries.get(item.name)
        if entry is None or (entry.state, entry.origin) != ("done", self._origin(item)):
            return False
        return all(path.is_file() for path in self._paths(entry.midi))

    def _write(self, item: Item, answer: Transcribed) -> Answer:
        """Write the files of an answer and its row; another answer comes back where they cannot be written."""
        paths = self._paths(item.midi)
        numbers = answer.notes, round(answer.seconds, 3), round(answer.computed, 3)
        entry = Entry(item.name, "done", item.midi, *numbers, origin=self._origin(item), crc32=_crc(answer.files))
        try:
            there = tuple(path.read_bytes() for path in paths if path.exists())
            if there and not self._is_ours(item, there, answer.files):
                return Untranscribed(item.name, FileError.code, f"{paths[0]} exists, and is not ours; move it away.")
            if not there:  # a row without files is done again, but files without a row would not be ours
                self.report.add(entry)
            make_folder(paths[0].parent)
            for path, data in zip(paths, answer.files, strict=True):
                write_atomic(path, data)
            if there:
                self.report.add(entry)
        except OSError as error:
            return Untranscribed(item.name, FileError.code, f"{paths[0]} cannot be written ({error.strerror}).")
        except FileError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _LASTING:
                raise
            return Untranscribed(item.name, error.code, error.text)
        return answer

    def _is_ours(self, item: Item, there: tuple[bytes, ...], files: tuple[bytes, ...]) -> bool:
        """Whether files that are there are as we wrote them, or as we would."""
        old = self.report.entries.get(item.name)
        known = old is not None and (old.midi, old.crc32) == (item.midi, _crc(there))
        return known or all(data in files for data in there)

    def _paths(self, midi: str) -> tuple[Path, ...]:
        return variation_paths(self.folder / midi, self.options.variations)

    def _origin(self, item: Item) -> str:
        chosen = sorted((name, value) for name, value in asdict(self.options).items() if value != _USUAL[name])
        text = f"{item.size} {item.changed} {self.model} {chosen}"
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _crc(files: tuple[bytes, ...]) -> str:
    return f"{zlib.crc32(b''.join(files)):08x}"
