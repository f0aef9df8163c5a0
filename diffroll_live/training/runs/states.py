"""A run's state on disk: everything needed to resume it. Read as data; no code in the file is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.atomic import atomic_file

STATE = "state.pt"
PARTS_OF_A_STATE = ("step", "network", "averaged", "optimiser", "config", "front_end")


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write a state atomically. Raises FileError on a full disk."""
    with atomic_file(path) as file:
        torch.save(state, file)


def read_state(
    path: Path, device: torch.device | str = "cpu", parts: tuple[str, ...] = PARTS_OF_A_STATE
) -> dict[str, Any]:
    """Read a saved run, which has all of ``parts``. Raises FileMissing or FileError."""
    if not path.is_file():
        raise FileMissing(f"There is no saved run at {path}; `diffroll-live train` makes one.")
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many errors for a damaged file
        raise FileError(f"{path} is not a saved run, or is damaged ({type(error).__name__}); train again.") from error
    if not isinstance(state, dict) or any(part not in state for part in parts):
        raise FileError(f"{path} is not a saved run of this version; train again.")
    return state
