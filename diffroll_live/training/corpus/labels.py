"""Notes and pedal of a recording that another program has transcribed, from CSV files with a line of headings."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.corpus.pieces import Piece

SUSTAIN = 64  # MIDI controller of the right pedal


def read_labels(notes: Path, pedal: Path | None) -> Piece:
    """Read rows (onset s, offset s, pitch, velocity), and (down s, up s, controller), of which the right pedal counts.

    Raises FileMissing, and FileError for a file without notes of a piano, or with rows that are not of this kind.
    """
    rows = _rows(notes, 4)
    if not (len(rows) and ((rows[:, 2] >= LOW_PITCH) & (rows[:, 2] <= HIGH_PITCH)).all()):
        raise FileError(f"{notes} must hold notes of a piano, pitches {LOW_PITCH} to {HIGH_PITCH}.")
    moves = _rows(pedal, 3) if pedal is not None else np.zeros((0, 3))
    moves = moves[moves[:, 2] == SUSTAIN]
    order = np.argsort(rows[:, 0], kind="stable")
    return Piece(rows[order], moves[np.argsort(moves[:, 0], kind="stable"), :2])


def _rows(path: Path, width: int) -> NoteArray:
    """Rows of numbers, of which the first two are times in order."""
    if not path.is_file():
        raise FileMissing(f"There is no file {path}.")
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            rows = np.array([row[:width] for row in list(csv.reader(handle))[1:] if row], np.float64)
    except (OSError, ValueError, csv.Error) as error:
        raise FileError(f"{path} must hold {width} columns of numbers ({error}).") from error
    rows = rows.reshape(-1, width)
    if not (np.isfinite(rows).all() and (rows[:, 0] >= 0).all() and (rows[:, 1] > rows[:, 0]).all()):
        raise FileError(f"{path} has a row that begins before 0, or does not end after it begins; correct it.")
    return rows
