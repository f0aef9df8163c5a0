"""The report of an archive: a CSV file with a row for each recording. It grows as the work goes on, and outlives it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal, Self, TextIO, get_args

from diffroll_live.errors import FileError
from diffroll_live.files.atomic import make_folder, write_atomic
from diffroll_live.files.lock import take_lock

REPORT, LOCK = "report.csv", ".report.lock"
State = Literal["done", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a recording.

    origin: a digest of the recording's size and date, the model and the options. crc32: of the MIDI files that were
    written, in hexadecimal; a recording that fails later keeps it, with their place.
    """

    recording: str
    state: State
    midi: str = ""
    notes: int = 0
    seconds: float = 0.0
    computed: float = 0.0  # s
    code: str = ""
    text: str = ""
    origin: str = ""
    crc32: str = ""


_COLUMNS = [field.name for field in fields(Entry)]


class Report:
    """The report in a folder of results, for one process at a time. The newest row of a recording counts."""

    def __init__(self, path: Path, lock: int, entries: dict[str, Entry], rows: TextIO) -> None:
        self._path, self._lock, self._rows = path, lock, rows
        self.entries = entries  # by recording
        self._writer = csv.writer(rows)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a folder's report, or begin one; a row that was cut off by a crash is dropped.

        Raises FileError where it cannot be written or is no such report, or while another process works there.
        """
        make_folder(folder)
        path = folder / REPORT
        try:
            lock = take_lock(folder / LOCK)
            if lock is None:
                raise FileError(f"Another command works on {folder}; wait for it, or choose another folder.")
            try:
                entries = _read(path)
                _write(path, entries.values())
                return cls(path, lock, entries, path.open("a", newline="", encoding="utf-8", errors="surrogateescape"))
            except BaseException:
                os.close(lock)
                raise
        except OSError as error:
            raise FileError(f"{path} cannot be used ({error.strerror}); choose another folder.") from error

    def add(self, entry: Entry) -> None:
        """Add a row. Raises FileError when it cannot be written, as on a full disk."""
        self.entries[entry.recording] = entry
        try:
            self._writer.writerow(astuple(entry))
            self._rows.flush()
        except OSError as error:
            text = f"{self._path} cannot be written ({error.strerror}); make room, then give the same command again."
            raise FileError(text) from error

    def close(self) -> None:
        """Leave one row for each recording, in the order of their names, and let others have the folder."""
        try:
            with suppress(OSError):  # what could not be flushed has been reported
                self._rows.close()
            _write(self._path, (self.entries[name] for name in sorted(self.entries)))
        finally:
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read(path: Path) -> dict[str, Entry]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    whole = raw[: raw.rfind(b"\n") + 1].decode("utf-8-sig", "surrogateescape")
    rows = csv.reader(io.StringIO(whole, newline=""))
    try:
        if (first := next(rows, None)) is not None and first != _COLUMNS:
            raise FileError(f"{path} is not the report of an archive; choose another folder.")
        return {entry.recording: entry for entry in _entries(rows)}
    except (csv.Error, ValueError) as error:
        raise FileError(
            f"{path} is damaged ({error}); choose another folder, or move it away to begin anew."
        ) from error


def _entries(rows: Iterator[list[str]]) -> Iterator[Entry]:
    for row in rows:
        if len(row) < len(_COLUMNS):  # cut off
            continue
        recording, state, midi, notes, seconds, computed, *rest = row[: len(_COLUMNS)]
        if state not in get_args(State):
            raise ValueError(f"{state!r} is no state")
        yield Entry(recording, state, midi, int(notes), float(seconds), float(computed), *rest)  # type: ignore[arg-type]


def _write(path: Path, entries: Iterable[Entry]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows(astuple(entry) for entry in entries)
    write_atomic(path, text.getvalue().encode("utf-8", "surrogateescape"))
