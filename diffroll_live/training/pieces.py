"""Notes to learn from: a folder of MIDI files read once into arrays, and notes made by rule.

A piece is an array of rows (onset s, offset s, pitch, velocity) sorted by onset, with the times its pedal is down.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt

from diffroll_live.errors import FileMissing
from diffroll_live.notes import NoteArray
from diffroll_live.roll import HIGH_PITCH, LOW_PITCH

logger = logging.getLogger(__name__)

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

    Raises ValueError for a file that is no MIDI, or has no notes, or too many.
    """
    try:
        messages = list(mido.MidiFile(path))
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise ValueError(f"{path} cannot be read as MIDI ({error})") from error
    now, down, pedal_down = 0.0, {}, None
    notes: list[tuple[float, float, int, int]] = []
    pedal: list[tuple[float, float]] = []
    for message in messages:
        now += message.time
        if message.type == "note_on" and message.velocity > 0:
            key = message.channel, message.note
            if key in down:
                notes.append((down[key][0], now, message.note, down[key][1]))
            down[key] = now, message.velocity
        elif message.type in ("note_off", "note_on") and (message.channel, message.note) in down:
            begin, velocity = down.pop((message.channel, message.note))
            notes.append((begin, now, message.note, velocity))
        elif message.type == "control_change" and message.control == SUSTAIN:
            if message.value >= 64 and pedal_down is None:
                pedal_down = now
            elif message.value < 64 and pedal_down is not None:
                pedal.append((pedal_down, now))
                pedal_down = None
        if len(notes) > MAX_NOTES:
            raise ValueError(f"{path} has more than {MAX_NOTES} notes")
    kept = [n for n in notes if n[1] > n[0] and LOW_PITCH <= n[2] <= HIGH_PITCH]
    if not kept:
        raise ValueError(f"{path} has no notes for a piano")
    return Piece(np.array(sorted(kept), np.float64), np.array(sorted(pedal), np.float64).reshape(-1, 2))


def _read_or_reason(path: Path) -> Piece | str:
    try:
        return read_piece(path)
    except ValueError as error:
        return str(error)


def build_corpus(folder: Path, out: Path, progress: Callable[[int, int], None], processes: int = 2) -> tuple[str, ...]:
    """Read the MIDI files named in ``folder``/manifest.csv into ``out`` (.npz); returns why files were skipped."""
    with (folder / "manifest.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    pieces: list[tuple[str, str, Piece]] = []
    skipped: list[str] = []
    with ProcessPoolExecutor(processes) as pool:
        found = pool.map(_read_or_reason, [folder / row["file"] for row in rows], chunksize=16)
        for done, (row, piece) in enumerate(zip(rows, found, strict=True), 1):
            if isinstance(piece, str):
                skipped.append(piece)
            else:
                pieces.append((row["file"], row["split"], piece))
            progress(done, len(rows))
    np.savez(
        out.with_suffix(".npz"),
        names=np.array([name for name, _, _ in pieces]),
        splits=np.array([split for _, split, _ in pieces]),
        notes=np.concatenate([p.notes for *_, p in pieces]).astype(np.float32),
        note_start=np.cumsum([0, *(len(p.notes) for *_, p in pieces)]),
        pedal=np.concatenate([p.pedal for *_, p in pieces]).astype(np.float32),
        pedal_start=np.cumsum([0, *(len(p.pedal) for *_, p in pieces)]),
    )
    return tuple(skipped)


def open_corpus(path: Path) -> Corpus:
    """Open a corpus. Raises FileMissing when it was not built."""
    if not path.with_suffix(".npz").is_file():
        raise FileMissing(f"There is no corpus at {path}; build it first with: diffroll-live prepare")
    with np.load(path.with_suffix(".npz")) as file:
        arrays = [file[key] for key in ("notes", "note_start", "pedal", "pedal_start")]
        return Corpus(tuple(file["names"].tolist()), tuple(file["splits"].tolist()), *arrays)
