"""Notes for training, as arrays read once from MIDI files (``midi_reading``).

A piece is an array of rows (onset s, offset s, pitch, velocity) sorted by onset, and the times when its pedal is down.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.atomic import atomic_file
from diffroll_live.model.roll_targets import NoteArray


@dataclass(frozen=True, slots=True)
class Piece:
    """Notes (n_notes, 4) and pedal (n_pedals, 2: down s, up s), both sorted by time."""

    notes: NoteArray
    pedal: NoteArray


@dataclass(frozen=True, slots=True)
class Corpus:
    """Many pieces in flat arrays; ``note_start`` and ``pedal_start`` have one more entry than there are pieces."""

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
        """The notes of a piece that sound in [begin, begin + seconds), timed from ``begin``."""
        piece = self.piece(index)
        inside = (piece.notes[:, 0] < begin + seconds) & (piece.notes[:, 1] > begin)
        down = (piece.pedal[:, 0] < begin + seconds) & (piece.pedal[:, 1] > begin)
        notes, pedal = piece.notes[inside].copy(), piece.pedal[down].copy()
        notes[:, :2] -= begin
        return Piece(notes, pedal - begin)


def write_corpus(path: Path, pieces: list[tuple[str, str, Piece]]) -> None:
    """Write pieces, each with its name and split. Raises FileError."""
    with atomic_file(path) as file:
        np.savez_compressed(
            file,
            names=np.array([name for name, _, _ in pieces]),
            splits=np.array([split for _, split, _ in pieces]),
            notes=np.concatenate([p.notes for *_, p in pieces]).astype(np.float32),
            note_start=np.cumsum([0, *(len(p.notes) for *_, p in pieces)]),
            pedal=np.concatenate([p.pedal for *_, p in pieces]).astype(np.float32),
            pedal_start=np.cumsum([0, *(len(p.pedal) for *_, p in pieces)]),
        )


def open_corpus(path: Path) -> Corpus:
    """Open a corpus. Raises FileMissing if it does not exist, FileError if it is damaged."""
    path = path.with_suffix(".npz")
    if not path.is_file():
        raise FileMissing(f"There is no corpus at {path}; build it first with: diffroll-live prepare")
    try:
        with path.open("rb") as handle, np.load(handle) as file:
            arrays = [file[key] for key in ("notes", "note_start", "pedal", "pedal_start")]
            return Corpus(tuple(file["names"].tolist()), tuple(file["splits"].tolist()), *arrays)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise FileError(f"The corpus at {path} is damaged ({error}); build it again.") from error
