"""Readers for collections of recordings, one for each layout of audio, notes and splits."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from diffroll_live.errors import FileError, FileMissing, RequestError
from diffroll_live.files.manifest import read_manifest

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")
MIDI_SUFFIXES = (".mid", ".midi")
MAPS_VALIDATION = "ENSTDk"  # prefix of the recorded, not synthesized, pianos of MAPS
MAESTRO_COLUMNS = ("split", "midi_filename", "audio_filename")
LABELLED_COLUMNS = ("audio", "labels", "pedal", "split")
TRANSCRIBER = 0.5  # trust in another program's notes
EDGES = (0.3, 1.0)  # s of an excerpt in which its labels are unsure
SPLITS = {"train": "train", "validation": "valid", "valid": "valid", "test": "test"}


@dataclass(frozen=True, slots=True)
class Take:
    """A recording and its notes, in a MIDI file or in tables of labels.

    trust: how far to believe the notes, 0 to 1. trim: seconds that are left out at the beginning and the end.
    """

    name: str
    audio: Path
    notes: Path
    split: str
    pedal: Path | None = None  # beside labels
    trust: float = 1.0
    trim: tuple[float, float] = (0.0, 0.0)


def maestro(folder: Path) -> Iterator[Take]:
    """Read MAESTRO: a maestro-*.csv lists files and splits."""
    tables = sorted(folder.glob("maestro-*.csv"))
    if not tables:
        raise FileMissing(f"{folder} has no maestro-*.csv; name the folder where MAESTRO was unpacked.")
    try:
        with tables[-1].open(newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
    except (OSError, ValueError, csv.Error) as error:
        raise FileError(f"{tables[-1]} cannot be read ({error}); unpack it again.") from error
    for line, row in enumerate(rows, 2):
        if any(not row.get(column) for column in MAESTRO_COLUMNS) or row["split"] not in SPLITS:
            raise FileError(f"{tables[-1]}, line {line}, lacks one of {', '.join(MAESTRO_COLUMNS)}, or has no split.")
        midi, audio = folder / row["midi_filename"], folder / row["audio_filename"]
        yield Take(f"maestro/{row['midi_filename']}", audio, midi, SPLITS[row["split"]])


def maps(folder: Path) -> Iterator[Take]:
    """Read MAPS: a folder per piano, with whole pieces in MUS; the two recorded pianos are for validation."""
    pianos = [piano for piano in sorted(folder.iterdir()) if (piano / "MUS").is_dir()] if folder.is_dir() else []
    if not pianos:
        raise FileMissing(f"{folder} has no PIANO/MUS folders; name the folder where MAPS was unpacked.")
    for piano in pianos:
        split = "valid" if piano.name.startswith(MAPS_VALIDATION) else "train"
        for audio in sorted((piano / "MUS").glob("*.wav")):
            yield Take(f"maps/{piano.name}/{audio.stem}", audio, audio.with_suffix(".mid"), split)


def labelled(folder: Path) -> Iterator[Take]:
    """Read recordings that another program has transcribed, from a manifest.csv: audio, labels, pedal, split.

    Their labels are less certain than a player's keys. What sounds at the beginning of an excerpt has no onset in them.
    """
    for row in read_manifest(folder, LABELLED_COLUMNS):
        if row["split"] not in SPLITS:
            raise FileError(f"The manifest of {folder} has a split {row['split']!r}; it may be {', '.join(SPLITS)}.")
        pedal = folder / row["pedal"] if row["pedal"] else None
        audio, labels = folder / row["audio"], folder / row["labels"]
        yield Take(f"labelled/{row['audio']}", audio, labels, SPLITS[row["split"]], pedal, TRANSCRIBER, EDGES)


def plain(folder: Path) -> Iterator[Take]:
    """Read audio and MIDI files with the same name in or below a folder; one name in ten is for validation."""
    if not folder.is_dir():
        raise FileMissing(f"There is no folder {folder}.")
    recordings = {p.with_suffix(""): p for p in sorted(folder.rglob("*")) if p.suffix.lower() in AUDIO_SUFFIXES}
    scores = {p.with_suffix(""): p for p in sorted(folder.rglob("*")) if p.suffix.lower() in MIDI_SUFFIXES}
    if not recordings:
        raise FileMissing(f"{folder} has no recordings; put audio and MIDI files with matching names there.")
    for stem, audio in recordings.items():
        name = str(stem.relative_to(folder))
        yield Take(name, audio, scores.get(stem, stem.with_suffix(".mid")), split_of(name))


def split_of(name: str) -> str:
    """The split of a piece without a manifest: one name in ten is for validation, always the same ones."""
    return "valid" if zlib.crc32(name.encode()) % 10 == 0 else "train"


#: Layout -> reader of its folder, which raises FileMissing or FileError.
LAYOUTS: dict[str, Callable[[Path], Iterator[Take]]] = {
    "maestro": maestro,
    "maps": maps,
    "labelled": labelled,
    "plain": plain,
}


def takes(layout: str, folder: Path) -> Iterator[Take]:
    """Find the pairs of a folder. Raises RequestError for a layout that does not exist, FileMissing or FileError."""
    if layout not in LAYOUTS:
        raise RequestError(f"There is no layout {layout!r}; choose one of {', '.join(LAYOUTS)}.")
    return LAYOUTS[layout](folder)
