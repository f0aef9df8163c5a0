"""Notes to learn from: a folder of MIDI files read once into arrays.

A piece is an array of rows (onset s, offset s, pitch, velocity) sorted by onset, with the times its pedal is down.
"""

from __future__ import annotations

import logging
import multiprocessing
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.notes import NoteArray
from diffroll_live.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.manifest import read_manifest
from diffroll_live.training.saving import whole_file

logger = logging.getLogger(__name__)

CORPUS_COLUMNS = ("file", "split")
MAX_NOTES = 100_000  # in one file; more is not music
SUSTAIN = 64  # MIDI controller of the right pedal


@dataclass(frozen=True, slots=True)
class Piece:
    """Notes (n_notes, 4) and pedal (n_pedals, 2: down s, up s), both sorted by time."""

    notes: NoteArray
    pedal: NoteArray


@dataclass(frozen=True, slots=True)
class Corpus:
    """Many pieces in flat arrays; ``note_start`` and ``pedal_start`` have one entry more than there are pieces."""

    names: tuple[str, ...]
    splits: tuple[str, ...]
    notes: npt.NDArray[np.float32]
    note_start: npt.NDArray[np.int64]
    pedal: npt.NDArray[np.float32]
    pedal_start: npt.NDArray[np.int64]

    def pieces(self, split: str) -> tuple[int, ...]:
        """Indices of the pieces of a split."""
        return tuple(i for i, s in enumerate(self.splits) if s == split)

    def collection(self, index: int) -> str:
        """The collection that a piece belongs to: the first folder of its path."""
        folder, slash, _ = self.names[index].partition("/")
        return folder if slash else "unsorted"

    def piece(self, index: int) -> Piece:
        """One piece."""
        a, b = self.note_start[index : index + 2]
        c, d = self.pedal_start[index : index + 2]
        return Piece(self.notes[a:b].astype(np.float64), self.pedal[c:d].astype(np.float64))

    def window(self, index: int, begin: float, seconds: float) -> Piece:
        """The notes of a piece that sound in [begin, begin + seconds), times from ``begin``."""
        piece = self.piece(index)
        inside = (piece.notes[:, 0] < begin + seconds) & (piece.notes[:, 1] > begin)
        down = (piece.pedal[:, 0] < begin + seconds) & (piece.pedal[:, 1] > begin)
        notes, pedal = piece.notes[inside].copy(), piece.pedal[down].copy()
        notes[:, :2] -= begin
        return Piece(notes, pedal - begin)


def read_piece(path: Path) -> Piece:
    """Read every note and the sustain pedal of a MIDI file, all tracks together.

    A key struck again while it is down ends its note. Raises FileError for a file that is no MIDI, or has no notes or
    too many.
    """
    try:
        messages = list(mido.MidiFile(path))
    except Exception as error:  # mido says "broken" in many ways: EOFError, KeyError, its own
        raise FileError(f"{path} cannot be read as MIDI ({error}).") from error
    notes, pedal = _Notes(), _Pedal()
    now = 0.0
    for message in messages:
        now += message.time
        if message.type in ("note_on", "note_off"):
            notes.take(message, now)
        elif message.type == "control_change" and message.control == SUSTAIN:
            pedal.take(message.value, now)
        if len(notes.rows) > MAX_NOTES:
            raise FileError(f"{path} has more than {MAX_NOTES} notes.")
    kept = [row for row in notes.rows if row[1] > row[0] and LOW_PITCH <= row[2] <= HIGH_PITCH]
    if not kept:
        raise FileError(f"{path} has no notes for a piano.")
    return Piece(np.array(sorted(kept), np.float64), np.array(sorted(pedal.rows), np.float64).reshape(-1, 2))


class _Notes:
    """Keys that go down and up, gathered to rows (onset, offset, pitch, velocity)."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, int, int]] = []
        self._down: dict[tuple[int, int], tuple[float, int]] = {}

    def take(self, message: mido.Message, now: float) -> None:
        """Take a note_on or a note_off."""
        key = message.channel, message.note
        if key in self._down:
            begin, velocity = self._down.pop(key)
            self.rows.append((begin, now, message.note, velocity))
        if message.type == "note_on" and message.velocity > 0:
            self._down[key] = now, message.velocity


class _Pedal:
    """A pedal that goes down and up, gathered to rows (down, up)."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float]] = []
        self._since: float | None = None

    def take(self, value: int, now: float) -> None:
        """Take a value of the controller; 64 and above is down."""
        if value >= 64 and self._since is None:
            self._since = now
        elif value < 64 and self._since is not None:
            self.rows.append((self._since, now))
            self._since = None


def _read_or_reason(path: Path) -> Piece | str:
    try:
        return read_piece(path)
    except FileError as error:
        return error.text


def build_corpus(folder: Path, out: Path, progress: Callable[[int, int], None], processes: int = 2) -> tuple[str, ...]:
    """Read the MIDI files named in ``folder``/manifest.csv into ``out`` (.npz); returns why files were skipped.

    Raises FileMissing or FileError for the manifest, when no file can be used, and when the corpus cannot be written.
    """
    rows = read_manifest(folder, CORPUS_COLUMNS)
    pieces: list[tuple[str, str, Piece]] = []
    skipped: list[str] = []
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        found = pool.map(_read_or_reason, [folder / row["file"] for row in rows], chunksize=16)
        for done, (row, piece) in enumerate(zip(rows, found, strict=True), 1):
            if isinstance(piece, str):
                skipped.append(piece)
            else:
                pieces.append((row["file"], row["split"], piece))
            progress(done, len(rows))
    if not pieces:
        raise FileError(f"None of the {len(rows)} files of {folder} can be used; the first: {skipped[0]}")
    _write(out.with_suffix(".npz"), pieces)
    return tuple(skipped)


def _write(path: Path, pieces: list[tuple[str, str, Piece]]) -> None:
    with whole_file(path) as file:
        np.savez(
            file,
            names=np.array([name for name, _, _ in pieces]),
            splits=np.array([split for _, split, _ in pieces]),
            notes=np.concatenate([p.notes for *_, p in pieces]).astype(np.float32),
            note_start=np.cumsum([0, *(len(p.notes) for *_, p in pieces)]),
            pedal=np.concatenate([p.pedal for *_, p in pieces]).astype(np.float32),
            pedal_start=np.cumsum([0, *(len(p.pedal) for *_, p in pieces)]),
        )


def open_corpus(path: Path) -> Corpus:
    """Open a corpus. Raises FileMissing when it was not built, FileError when it is damaged."""
    path = path.with_suffix(".npz")
    if not path.is_file():
        raise FileMissing(f"There is no corpus at {path}; build it first with: diffroll-live prepare")
    try:
        with path.open("rb") as handle, np.load(handle) as file:
            arrays = [file[key] for key in ("notes", "note_start", "pedal", "pedal_start")]
            return Corpus(tuple(file["names"].tolist()), tuple(file["splits"].tolist()), *arrays)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise FileError(f"The corpus at {path} is damaged ({error}); build it again.") from error
