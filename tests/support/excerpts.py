"""Excerpts of scores by hand: a pulse of chords with a tune over it, and holes in it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from diffroll_live.evaluation.composing.excerpts import Excerpt
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.holes import Hole, Kind
from diffroll_live.training.composing.scores import GRIDS, Score

TWO_BARS = Kind("inpaint", 2)

Row = tuple[int, int, int]  # tick, pitch, ticks


def rows(notes: Sequence[Row]) -> np.ndarray:
    """Rows (onset, offset, pitch, velocity) in ticks."""
    table = [(tick, tick + ticks, pitch, 0) for tick, pitch, ticks in sorted(notes)]
    return np.array(table, float).reshape(-1, 4)


def excerpt(notes: Sequence[Row], n_bars: int = 10, beats: int = 4, piece: str = "piece") -> Excerpt:
    """Bars of ``beats`` quarters at 120 a minute."""
    lines = np.arange(n_bars + 1) * 24 * beats
    return Excerpt(piece, 120.0, lines, np.tile([beats, 4], (n_bars, 1)), rows(notes))


def figure(n_bars: int = 10, shift: int = 0) -> list[Row]:
    """In every bar the same: a bass note, and four eighths of C major from the second quarter on."""
    notes: list[Row] = []
    for bar in range(n_bars):
        notes.append((96 * bar, 48 + shift, 24))
        notes += [(96 * bar + 24 + 12 * i, pitch + shift, 12) for i, pitch in enumerate((60, 64, 67, 72))]
    return notes


def hole(notes: Sequence[Row] | None = None, *, piece: str = "piece", kind: Kind = TWO_BARS, **given: int) -> Hole:
    """Bars five and six of ten hidden, of the figure if no notes are given."""
    cut = excerpt(figure() if notes is None else notes, piece=piece)
    return Hole(cut, kind, **({"first": 4, "last": 6, "seed": 1} | given))


def filled(written: Sequence[Row], around: Sequence[Row] | None = None, **given: int) -> Filled:
    """Notes that are written from the beginning of the hole on, which counts as tick 0."""
    at = hole(around, **given)
    return Filled(at, rows([(tick + at.begin, pitch, ticks) for tick, pitch, ticks in written]))


def score(file: str, split: str, notes: Sequence[Row], n_bars: int, corpus: str = "made") -> Score:
    """A whole piece in 4/4."""
    bars = np.stack([np.arange(n_bars) * 96, np.full(n_bars, 4), np.full(n_bars, 4)], 1)
    table = np.array([(tick, ticks, pitch, 0) for tick, pitch, ticks in sorted(notes)])
    return Score(file, corpus, split, 100.0, table, bars)


def scores(n_bars: int = 32) -> list[Score]:
    """Two pieces to train on and three to measure with, all of the figure in different keys."""
    splits = ("train", "train", "valid", "valid", "valid")
    return [score(f"{number}.mid", split, figure(n_bars, number), n_bars) for number, split in enumerate(splits)]


def write_scores(folder: Path, members: Sequence[Score]) -> Path:
    """The scores as a folder of the shipped material's form: all in its first file, none in the second."""
    folder.mkdir(parents=True)
    for (arrays, manifest), part in zip(GRIDS, (members, members[:0]), strict=True):
        notes = np.concatenate([np.zeros((0, 4), np.int64), *(one.notes for one in part)])
        bars = np.concatenate([np.zeros((0, 3), np.int64), *(one.bars for one in part)])
        np.savez(
            folder / arrays,
            **dict(zip(("onset", "duration", "pitch", "velocity"), notes.T, strict=True)),
            **dict(zip(("bar", "beats", "beat_type"), bars.T, strict=True)),
            note_begin=np.cumsum([0, *(len(one.notes) for one in part)]),
            bar_begin=np.cumsum([0, *(len(one.bars) for one in part)]),
            tempo=np.array([one.tempo for one in part]),
        )
        with (folder / manifest).open("w", newline="") as handle:
            rows = [(one.file, one.corpus, one.split) for one in part]
            csv.writer(handle).writerows([("file", "corpus", "split"), *rows])
    return folder
