"""The losses of a run, averaged over some steps: rows of a CSV file and, optionally, TensorBoard events."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.atomic import atomic_file

RECORD = "losses.csv"
BOARD = "tensorboard"  # the folder of the events, inside the run's

Report = Callable[[int, dict[str, float]], None]
"""Called regularly with the step and the mean losses since the last call."""


class Record:
    """Means of the losses over ``every`` steps. Raises FileMissing if TensorBoard is requested and not installed."""

    def __init__(self, folder: Path, step: int, every: int, report: Report, *, board: bool = False) -> None:
        self._path, self._every, self._report = folder / RECORD, every, report
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._board = _open_board(folder / BOARD, step) if board else None
        self._forget_after(step)

    def add(self, step: int, parts: dict[str, float]) -> None:
        """Add the losses of a step, which may lack some. Raises FileError if they cannot be written."""
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1
        if step % self._every:
            return
        means = {name: value / self._counts[name] for name, value in self._sums.items()}
        self._write(step, means)
        if self._board is not None:
            for name, value in means.items():
                self._board.add_scalar(name, value, step)
        self._report(step, means)
        self._sums, self._counts = {}, {}

    def close(self) -> None:
        """Flush and close TensorBoard's writer."""
        if self._board is not None:
            self._board.close()

    def _forget_after(self, step: int) -> None:
        """Drop the rows of steps that were taken but not saved; they will be repeated."""
        if not self._path.exists():
            return
        lines = self._path.read_text().splitlines()
        kept = [line for line in lines if not (number := line.split(",")[0]).isdigit() or int(number) <= step]
        with atomic_file(self._path) as file:
            file.write("".join(f"{line}\n" for line in kept).encode())

    def _write(self, step: int, means: dict[str, float]) -> None:
        try:
            new = not self._path.exists()
            with self._path.open("a", newline="") as handle:
                writer = csv.writer(handle, lineterminator="\n")
                if new:
                    writer.writerow(["step", *means])
                writer.writerow([step, *(f"{value:.5f}" for value in means.values())])
        except OSError as error:
            raise FileError(f"Cannot write {self._path} ({error.strerror}); free some space.") from error


def _open_board(folder: Path, step: int) -> Any:
    """TensorBoard's writer; it discards events of later steps by itself."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise FileMissing("TensorBoard is not installed: pip install 'diffroll-live[train]'") from error
    return SummaryWriter(str(folder), purge_step=step + 1)


def read_losses(path: Path, of: str) -> list[tuple[int, float]]:
    """Read one column of a run's losses, as (step, mean) in order of the steps. Raises FileError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found = {int(row["step"]): float(row[of]) for row in rows if row[of]}
    except KeyError as error:
        raise FileError(f"{path} has no column {str(error)[:100]}; its first line names those that it has.") from error
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise FileError(f"{path} cannot be read as the losses of a training ({error}).") from error
    if not found:
        raise FileError(f"{path} holds no losses yet; train some steps first.")
    return sorted(found.items())
