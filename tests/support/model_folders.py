"""Model folders that tests make."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

CONFIG: dict[str, Any] = {
    "name": "tiny",
    "version": "1",
    "architecture": "compact",
    "licence": "MIT",
    "sample_rate": 16_000,
    "hop_length": 256,
    "network": {},
    "front_end": {},
    "decode": {},
    "sampling": {},
}


def make_model(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, "name": folder.name, **changes}))
    (folder / "weights.safetensors").write_bytes(b"some weights")
    write_sums(folder)
    return folder


def write_sums(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines))
