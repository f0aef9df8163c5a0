"""A cache of slow measurements: a JSON file for each part, in a folder for each model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffroll_live.files.atomic import make_folder, write_atomic

Row = dict[str, Any]
"""A row of a table: names and plain values."""


class Store:
    """Rows of tables by name, kept in a folder; ``fresh`` ignores what is stored.

    Raises FileError if the folder cannot be made or written.
    """

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.folder, self.fresh = folder, fresh
        make_folder(folder)

    def rows(self, name: str, settings: Row, make: Callable[[], list[Row]]) -> list[Row]:
        """The rows ``name`` under ``settings``, from the folder if they are there, otherwise made and stored."""
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:12]
        path = self.folder / f"{name}-{digest}.json"
        if not self.fresh and (kept := _read(path)) is not None:
            return kept
        made = make()
        write_atomic(path, json.dumps(made, indent=1).encode())
        return made


def _read(path: Path) -> list[Row] | None:
    """The stored rows, or None if missing or incomplete."""
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return rows if isinstance(rows, list) else None


def fingerprint(model: Path) -> str:
    """Twelve hexadecimal digits that change with a model's weights or settings, not with its card."""
    digest = hashlib.sha256()
    for name in ("config.json", "weights.safetensors"):
        file = model / name
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()[:12]
