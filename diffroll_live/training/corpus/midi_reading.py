"""MIDI files to pieces: a folder of them, read once into a corpus."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import mido
import numpy as np

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.manifest import MANIFEST, read_manifest
from diffroll_live.files.midi_repair import parse_smf
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.corpus.layouts import MIDI_SUFFIXES, split_of
from diffroll_live.training.corpus.pieces import Piece, write_corpus

CORPUS_COLUMNS = ("file", "split")
MAX_NOTES = 100_000  # per file; more is not music
SUSTAIN = 64  # MIDI controller of the right pedal


def read_piece(path: Path) -> Piece:
    """Read every note and the sustain pedal of a MIDI file, all tracks together.

    A key struck again while it is down ends its note. Raises FileError for a file that is not MIDI, has no notes, or
    has too many; what of a file cannot be read is left out.
    """
    try:
        messages = list(parse_smf(path.read_bytes()).file)
    except FileError as error:
        raise FileError(f"{path}: {error.text}") from error
    except (OSError, TypeError, ZeroDivisionError) as error:  # mido merges no tracks of format 2, and needs ticks
        raise FileError(f"{path} cannot be read as MIDI ({error or type(error).__name__}).") from error
    notes, pedal = _Notes(), _Pedal()
    now = 0.0
    for message in messages:
        now += message.time
        if message.type in ("note_on", "note_off"):
            notes.add(message, now)
        elif message.type == "control_change" and message.control == SUSTAIN:
            pedal.add(message.value, now)
        if len(notes.rows) > MAX_NOTES:
            raise FileError(f"{path} has more than {MAX_NOTES} notes.")
    kept = [row for row in notes.rows if row[1] > row[0] and LOW_PITCH <= row[2] <= HIGH_PITCH]
    if not kept:
        raise FileError(f"{path} has no notes for a piano.")
    return Piece(np.array(sorted(kept), np.float64), np.array(sorted(pedal.rows), np.float64).reshape(-1, 2))


class _Notes:
    """Collects key presses and releases into rows (onset, offset, pitch, velocity)."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, int, int]] = []
        self._down: dict[tuple[int, int], tuple[float, int]] = {}

    def add(self, message: mido.Message, now: float) -> None:
        """Add a note_on or a note_off."""
        key = message.channel, message.note
        if key in self._down:
            begin, velocity = self._down.pop(key)
            self.rows.append((begin, now, message.note, velocity))
        if message.type == "note_on" and message.velocity > 0:
            self._down[key] = now, message.velocity


class _Pedal:
    """Collects pedal movements into rows (down, up)."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float]] = []
        self._since: float | None = None

    def add(self, value: int, now: float) -> None:
        """Add a value of the controller; 64 and above is down."""
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
    """Read the MIDI files of a folder into ``out`` (.npz); return why files were skipped.

    Its manifest.csv lists them and their splits; without one, all files below the folder are read, one in ten for
    validation.
    Raises FileMissing or FileError for the manifest, when no file can be used, and when the corpus cannot be written.
    """
    rows = _rows(folder)
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
    write_corpus(out.with_suffix(".npz"), pieces)
    return tuple(skipped)


def _rows(folder: Path) -> list[dict[str, str]]:
    if (folder / MANIFEST).is_file() or not folder.is_dir():
        return read_manifest(folder, CORPUS_COLUMNS)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES)
    if not paths:
        raise FileMissing(f"{folder} has no MIDI files, and no {MANIFEST} that lists any.")
    names = [path.relative_to(folder).as_posix() for path in paths]
    return [{"file": name, "split": split_of(name)} for name in names]
