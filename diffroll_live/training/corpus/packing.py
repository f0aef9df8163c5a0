"""Packs the bank, the pieces and the program into one small folder, from which a bare machine can train.

The bank keeps every third pitch of its pianos, four seconds of each note, at one byte per sample (logarithmic as in
ITU-T G.711, but without its segments); other instruments are left out, to keep it small. Pieces are stored in
milliseconds. Training from it needs Python, PyTorch, NumPy and safetensors.
"""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diffroll_live import PACKAGE_FOLDER
from diffroll_live.errors import FileError
from diffroll_live.files.atomic import atomic_file, make_folder
from diffroll_live.music.roll import N_PITCHES
from diffroll_live.training.corpus.pieces import Corpus, Piece, open_corpus, write_corpus
from diffroll_live.training.synthesis.bank import SAMPLE_RATE, Bank, is_instrument, open_bank, resampled, write_bank
from diffroll_live.types import Floats

PITCH_STEP = 3  # semitones from one kept note to the next
LAYERS = 4  # of a piano at most: the softest, the loudest and some in between
SECONDS = 4.0  # of a note
FADE = 0.2  # s at its end
MU = 255.0
NOTES, PIECES = "notes.npz", "pieces.npz"
TIME_UNIT = 1000  # s
CENTRE, RANGE = 128, 127  # of a byte


def pack_folder(bank: Path, corpus: Path, out: Path, progress: Callable[[str], None]) -> int:
    """Write a pack; return its size in bytes.

    Raises FileMissing or FileError for data that is not prepared, FileError if the pack cannot be written.
    """
    opened, pieces = open_bank(bank), open_corpus(corpus)
    make_folder(out)
    progress("notes")
    _pack_bank(opened, out / NOTES)
    progress("pieces")
    _pack_corpus(pieces, out / PIECES)
    progress("program")
    _copy_program(out)
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def unpack_folder(pack: Path, bank: Path, corpus: Path) -> None:
    """Restore the bank and the corpus from a pack. Raises FileError for a damaged pack or a full disk."""
    try:
        _unpack_bank(_read(pack / NOTES), bank)
        _unpack_corpus(_read(pack / PIECES), corpus)
    except (OSError, EOFError, ValueError, KeyError, IndexError, zipfile.BadZipFile, zlib.error) as error:
        raise FileError(f"The pack {pack} is damaged or incomplete ({error}); pack it again.") from error


def _read(path: Path) -> dict[str, npt.NDArray]:
    with path.open("rb") as handle, np.load(handle) as file:
        return {name: file[name] for name in file.files}


def compand(samples: Floats) -> npt.NDArray[np.uint8]:
    """Encode samples of -1 to 1 in one byte each, more finely where they are small."""
    curve = np.sign(samples) * np.log1p(MU * np.abs(samples)) / np.log1p(MU)
    return (np.rint(curve * RANGE) + CENTRE).astype(np.uint8)


def expand(codes: npt.NDArray[np.uint8]) -> Floats:
    """Undo ``compand``."""
    curve = (codes.astype(np.float32) - CENTRE) / RANGE
    return (np.sign(curve) * np.expm1(np.abs(curve) * np.log1p(MU)) / MU).astype(np.float32)


def _kept_layers(bank: Bank, piano: str) -> list[int]:
    rows = bank.layers[piano]
    chosen = np.unique(np.rint(np.linspace(0, len(rows) - 1, min(LAYERS, len(rows)))).astype(int))
    return [rows[index] for index in chosen]


def _pack_bank(bank: Bank, path: Path) -> None:
    codes, lengths, peaks, high, pianos = [], [], [], [], []
    for piano in (name for name in bank.pianos if not is_instrument(name)):
        for row in _kept_layers(bank, piano):
            high.append(bank.high[row])
            pianos.append(piano)
            for pitch in range(0, N_PITCHES, PITCH_STEP):
                first, length = bank.start[row, pitch], min(bank.length[row, pitch], int(SECONDS * SAMPLE_RATE))
                note = bank.samples[first : first + length].astype(np.float32)
                peaks.append(max(float(np.abs(note).max()), 1.0))
                lengths.append(length)
                codes.append(compand(note / peaks[-1]))
    with atomic_file(path) as file:
        np.savez_compressed(
            file,
            codes=np.concatenate(codes),
            lengths=np.array(lengths, np.int32),
            peaks=np.array(peaks, np.float32),
            high=np.array(high, np.int16),
            pianos=np.array(pianos),
        )


def _unpack_bank(packed: dict[str, npt.NDArray], out: Path) -> None:
    kept = np.arange(0, N_PITCHES, PITCH_STEP)
    ends = np.cumsum(packed["lengths"])
    start, length, chunks = [], [], []
    position = 0
    for row in range(len(packed["high"])):
        notes = []
        for index in range(row * len(kept), (row + 1) * len(kept)):
            codes = packed["codes"][ends[index] - packed["lengths"][index] : ends[index]]
            notes.append(expand(codes) * packed["peaks"][index])
        full = [_at_pitch(notes, kept, pitch) for pitch in range(N_PITCHES)]
        lengths = np.array([len(note) for note in full])
        start.append(position + np.concatenate([[0], np.cumsum(lengths)[:-1]]))
        length.append(lengths)
        chunks += full
        position += int(lengths.sum())
    pianos = packed["pianos"].tolist()
    layers = {piano: [row for row, name in enumerate(pianos) if name == piano] for piano in dict.fromkeys(pianos)}
    said = {
        "start": np.array(start).tolist(),
        "length": np.array(length).tolist(),
        "high": packed["high"].tolist(),
        "layers": layers,
    }
    write_bank(out, chunks, said)


def _at_pitch(notes: list[Floats], kept: npt.NDArray[np.int64], pitch: int) -> npt.NDArray[np.int16]:
    """The nearest stored note, shifted to another pitch and faded out."""
    nearest = int(np.abs(kept - pitch).argmin())
    note = notes[nearest]
    if kept[nearest] != pitch:
        note = resampled(note, int(round(len(note) * 2.0 ** ((kept[nearest] - pitch) / 12))))
    fade = min(len(note), int(FADE * SAMPLE_RATE))
    note = note.copy()
    note[len(note) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return np.clip(note, -32_767, 32_767).astype(np.int16)


def _pack_corpus(corpus: Corpus, path: Path) -> None:
    times = np.rint(corpus.notes[:, :2].astype(np.float64) * TIME_UNIT).astype(np.int64)
    with atomic_file(path) as file:
        np.savez_compressed(
            file,
            names=np.array(corpus.names),
            splits=np.array(corpus.splits),
            onset=np.diff(times[:, 0], prepend=0).astype(np.int32),
            duration=np.minimum(times[:, 1] - times[:, 0], 65_535).astype(np.uint16),
            pitch=corpus.notes[:, 2].astype(np.uint8),
            velocity=corpus.notes[:, 3].astype(np.uint8),
            note_start=corpus.note_start,
            pedal=np.rint(corpus.pedal * TIME_UNIT).astype(np.int32),
            pedal_start=corpus.pedal_start,
        )


def _unpack_corpus(packed: dict[str, npt.NDArray], out: Path) -> None:
    onset = np.cumsum(packed["onset"].astype(np.int64))
    offset = onset + np.maximum(packed["duration"], 1)
    times = np.stack([onset, offset], axis=1) / TIME_UNIT
    notes = np.concatenate([times, packed["pitch"][:, None], packed["velocity"][:, None]], axis=1)
    pedal = packed["pedal"] / TIME_UNIT
    pieces = []
    for index, (name, split) in enumerate(zip(packed["names"].tolist(), packed["splits"].tolist(), strict=True)):
        a, b = packed["note_start"][index : index + 2]
        c, d = packed["pedal_start"][index : index + 2]
        pieces.append((name, split, Piece(notes[a:b], pedal[c:d])))
    write_corpus(out.with_suffix(".npz"), pieces)


def _copy_program(out: Path) -> None:
    try:
        shutil.copytree(
            PACKAGE_FOLDER,
            out / PACKAGE_FOLDER.name,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__", "_models", "*.pyc"),
        )
    except (OSError, shutil.Error) as error:
        raise FileError(f"Cannot write {out} ({error}); free some space or choose another folder.") from error
