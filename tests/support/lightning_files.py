"""Lightning checkpoints, sound ones and spoilt ones."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from support.paths import GOLDEN

CHECKPOINT = GOLDEN / "dev.ckpt"
Entries = dict[str, bytes]


def save(path: Path, **content: Any) -> Path:
    torch.save(content, path)
    return path


def rewrite(path: Path, change: Callable[[Entries], Any], source: Path = CHECKPOINT) -> Path:
    """Copy a checkpoint with its entries changed; the names have no root folder."""
    with zipfile.ZipFile(source) as old:
        entries = {name.partition("/")[2]: old.read(name) for name in old.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w") as new:
        for name, data in entries.items():
            new.writestr(f"dev/{name}", data)
    return path
