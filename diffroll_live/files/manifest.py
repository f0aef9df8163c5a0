"""The manifest.csv of a folder of material: one row per file, in named columns."""

from __future__ import annotations

import csv
from pathlib import Path

from diffroll_live.errors import FileError, FileMissing

MANIFEST = "manifest.csv"


def read_manifest(folder: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read the rows of a folder's manifest; each has all of ``columns``, and perhaps more.

    Raises FileMissing without the folder or its manifest, FileError for one that lacks a column, a field or all rows.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise FileMissing(f"There is no folder {folder}.")
    if not path.is_file():
        raise FileMissing(f"{folder} has no {MANIFEST}; write one with the columns {', '.join(columns)}.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            rows, names = list(reader), reader.fieldnames or ()
    except (OSError, ValueError, csv.Error) as error:
        raise FileError(f"{path} cannot be read as CSV ({error}); save it as UTF-8 with commas.") from error
    if lacking := [column for column in columns if column not in names]:
        raise FileError(f"{path} lacks the column {lacking[0]!r}; it needs {', '.join(columns)}.")
    if not rows:
        raise FileError(f"{path} lists no files; add a row for each.")
    for line, row in enumerate(rows, 2):
        if empty := [column for column in columns if row[column] is None]:
            raise FileError(f"{path}, line {line}, ends before its column {empty[0]!r}; complete it.")
    return rows
