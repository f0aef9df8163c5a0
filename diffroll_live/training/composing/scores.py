"""Scores with bars and beats: read from the grid of the material, cut into passages. No torch."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diffroll_live.composer.steps import StepGrid, step_grid
from diffroll_live.composer.vocabulary import N_KEYS, TICKS_PER_QUARTER, TICKS_PER_WHOLE, Ints
from diffroll_live.errors import FileError, FileMissing

LOW_PITCH = 21
GRIDS = (("score-grid.npz", "manifest.csv"), ("score-grid-polish.npz", "manifest-polish.csv"))
NOTE_COLUMNS, BAR_COLUMNS = ("onset", "duration", "pitch", "velocity"), ("bar", "beats", "beat_type")
POLISH = "polish_scores"  # the collection whose manifest does not name it
TRIPLET_PLACES = (8, 16)
FEWEST_TRIPLETS = 3  # onsets between sixteenths that make a passage one with triplets


@dataclass(frozen=True, slots=True)
class Score:
    """One piece: notes (n, 4) of onset, ticks, pitch, velocity, and bars (n, 3) of begin, beats, beat type."""

    file: str
    corpus: str
    split: str
    tempo: float
    notes: Ints
    bars: Ints

    def bar_ends(self) -> Ints:
        """Where each bar ends, in ticks."""
        last = self.bars[-1]
        return np.append(self.bars[1:, 0], last[0] + last[1] * TICKS_PER_WHOLE // last[2])


def read_scores(folder: Path) -> list[Score]:
    """Read every score of the material. Raises FileMissing or FileError for a folder that does not hold it."""
    return [score for arrays, manifest in GRIDS for score in _read(folder / arrays, folder / manifest)]


def _read(path: Path, manifest: Path) -> Iterator[Score]:
    for needed in (path, manifest):
        if not needed.is_file():
            raise FileMissing(f"There is no file {needed}; give the folder that holds score-grid/.")
    try:
        with path.open("rb") as file:
            arrays = dict(np.load(file).items())
        with manifest.open(newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
        for index, row in enumerate(rows):
            yield _score(arrays, index, row)
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise FileError(f"{path} or its manifest is damaged ({error}); copy the folder again.") from error


def _score(arrays: dict[str, npt.NDArray[np.generic]], index: int, row: dict[str, str]) -> Score:
    first, last = arrays["note_begin"][index : index + 2]
    begin, end = arrays["bar_begin"][index : index + 2]
    notes = np.stack([arrays[name][first:last] for name in NOTE_COLUMNS], 1).astype(np.int64)
    bars = np.stack([arrays[name][begin:end] for name in BAR_COLUMNS], 1).astype(np.int64)
    corpus = row.get("corpus") or POLISH
    return Score(row["file"], corpus, row["split"], float(arrays["tempo"][index]), notes, bars)


def has_triplets(ticks: Ints) -> bool:
    """Whether music with these onsets, in ticks from a beat on, needs the places of triplets."""
    return int(np.isin(ticks % TICKS_PER_QUARTER, TRIPLET_PLACES).sum()) >= FEWEST_TRIPLETS


def bars_of(score: Score, first: int, last: int) -> tuple[StepGrid, Ints]:
    """The steps of bars [first, last) of a score and its notes on them, nothing hidden: rows as in a Passage."""
    bars = score.bars[first:last]
    ends = score.bar_ends()
    begin, end = bars[0, 0], ends[last - 1]
    low, high = np.searchsorted(score.notes[:, 0], [begin, end])
    notes = score.notes[low:high]
    starts = bars[:, 0]
    within = notes[:, 0] - starts[np.searchsorted(starts, notes[:, 0], side="right") - 1]
    grid = step_grid(
        ends[first:last] - starts, bars[:, 1], bars[:, 2], triplets=has_triplets(within), tempo=score.tempo
    )
    return grid, on_steps(grid, notes[:, 0] - begin, notes[:, 2] - LOW_PITCH, notes[:, 1], notes[:, 3])


def on_steps(grid: StepGrid, onset: Ints, key: Ints, ticks: Ints, velocity: Ints) -> Ints:
    """Notes as rows of a Passage; those off the piano are left out, of two on one cell the first stays."""
    step = grid.nearest(onset)
    inside = (key >= 0) & (key < N_KEYS)
    rows = np.stack([step, key, ticks, velocity], 1)[inside]
    _, first = np.unique(rows[:, 0] * N_KEYS + rows[:, 1], return_index=True)
    return rows[first]
