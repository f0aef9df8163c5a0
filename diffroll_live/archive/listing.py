"""Which recordings an archive has, and where the notes of each go. Reads names and sizes, no audio."""

from __future__ import annotations

import csv
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from diffroll_live.archive.items import Item, Untranscribed
from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.paths import MIDI_SUFFIXES

#: Of the files that are taken for recordings in a folder; a manifest may name whatever libsndfile reads.
SUFFIXES = frozenset({".wav", ".w64", ".rf64", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".caf"})
COLUMN = "audio"  # of a manifest


def list_archive(archive: Path) -> tuple[list[Item], list[Untranscribed]]:
    """List the recordings of a folder with all those below it, or of a manifest; then those that cannot be looked at.

    A manifest is a CSV file with a column ``audio`` of paths, relative to its own folder. The notes of ``a/take.wav``
    go to ``a/take.mid``, or to ``a/take.wav.mid`` where another recording could claim that. Links to folders are not
    followed. Raises FileMissing, and FileError for what is no archive or an empty one.
    """
    if not archive.exists():
        raise FileMissing(f"There is no {archive}; name a folder of recordings, or a CSV file that lists them.")
    is_folder = archive.is_dir()
    base = Path(os.path.normpath(archive.absolute() if is_folder else archive.absolute().parent))
    found: dict[str, Item] = {}
    unusable: list[Untranscribed] = []
    for path in _in_folder(base) if is_folder else _in_manifest(archive, base):
        name = _name(path, base)
        try:
            state = path.stat()
            found[name] = Item(name, str(path), "", state.st_size, state.st_mtime_ns)
        except (OSError, ValueError) as error:  # a path with a NUL
            reason = getattr(error, "strerror", None) or error
            unusable.append(Untranscribed(name, FileMissing.code, f"{path} cannot be read ({reason})."))
    if not found and not unusable:
        raise FileError(f"{archive} has no recordings; they are files such as .wav, .flac, .mp3 or .ogg.")
    return [*_placed(found.values())], unusable


def _in_folder(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise FileError(f"{error.filename} cannot be looked into ({error.strerror}); allow it, or move it elsewhere.")

    for place, folders, files in os.walk(folder, onerror=fail):
        folders.sort()
        yield from (Path(place, file) for file in sorted(files) if PurePath(file).suffix.lower() in SUFFIXES)


def _in_manifest(manifest: Path, folder: Path) -> Iterator[Path]:
    try:
        with manifest.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            rows = csv.DictReader(stream)
            if COLUMN not in (rows.fieldnames or ()):
                raise FileError(f"{manifest} has no column {COLUMN!r}; it must be a CSV file with one, of paths.")
            yield from (Path(os.path.normpath(folder / row[COLUMN])) for row in rows if row[COLUMN])
    except OSError as error:
        raise FileError(f"{manifest} cannot be read ({error.strerror}); choose another file.") from error
    except csv.Error as error:
        raise FileError(f"{manifest} cannot be read as CSV ({error}); save it as UTF-8 with commas.") from error


def _name(path: Path, base: Path) -> str:
    """Name a path by its place below the archive's folder or, where it lies elsewhere, below the root of its disk."""
    return str(path.relative_to(base) if path.is_relative_to(base) else path.relative_to(path.anchor))


def _placed(items: Iterable[Item]) -> Iterator[Item]:
    """Give the notes of every recording a place."""
    items = tuple(items)
    short = [str(PurePath(item.name).with_suffix(".mid")) for item in items]
    claims = Counter(map(_key, short))
    claims.update(_key(f"{item.name}.mid") for item in items)  # which a recording may fall back to
    for item, place in zip(items, short, strict=True):
        is_midi = PurePath(item.name).suffix.lower() in MIDI_SUFFIXES  # and its own place could be taken for its notes'
        yield replace(item, midi=f"{item.name}.mid" if claims[_key(place)] > 1 or is_midi else place)


def _key(place: str) -> str:
    """What a place counts as on disks that know no case and compose letters."""
    return unicodedata.normalize("NFC", place).casefold()
