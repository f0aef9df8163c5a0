"""Scores of estimated notes against the true ones, computed by mir_eval (Raffel et al., 2014).

An onset matches within 50 ms, an offset within 50 ms or 20 % of the note's length, whichever is more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffroll_live.errors import FileMissing
from diffroll_live.model.roll_targets import NoteArray

OFFSET_RATIO = 0.2
SHIFTS = np.arange(-0.06, 0.0601, 0.005)  # s, candidates for a recording whose labels may be late or early
SHORTEST = 0.01  # s; mir_eval rejects notes without length


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of a clip, or the means over many; the errors are None if nothing matched."""

    onset: float  # F1
    onset_offset: float  # F1
    precision: float  # of onsets
    recall: float  # of onsets
    onset_error: float | None  # s; median over matched notes
    velocity_error: float | None  # mean over matched notes
    velocity_fitted: float | None = None  # the same after a linear fit per clip, since levels differ


def require_mir_eval() -> Any:
    """Import mir_eval. Raises FileMissing if it is not installed."""
    try:
        import mir_eval
    except ImportError as error:
        raise FileMissing(
            "mir_eval is needed for scoring and not installed: pip install 'diffroll-live[train]'"
        ) from error
    return mir_eval


def score(estimates: Sequence[NoteArray], truths: Sequence[NoteArray], *, shift: bool = False) -> Score:
    """Score the estimates of clips against their notes, rows (onset s, offset s, pitch, velocity); means over clips.

    ``shift`` first moves the notes of each clip by the best constant, up to 60 ms either way.
    """
    scores = [score_one(moved(e, t) if shift else e, t) for e, t in zip(estimates, truths, strict=True)]
    means = {name: _mean([getattr(one, name) for one in scores]) for name in Score.__dataclass_fields__}
    return Score(**means)  # type: ignore[arg-type]  # F1, precision and recall are never None


def score_one(estimate: NoteArray, truth: NoteArray) -> Score:
    """Score one clip; for a clip without notes, an empty estimate is perfect."""
    if not len(estimate) or not len(truth):
        right = float(len(estimate) == len(truth))
        return Score(right, right, right, right, None, None)
    pairs = matches(estimate, truth, None)
    hit, found = truth[pairs[:, 0]], estimate[pairs[:, 1]]
    return Score(
        _f1(len(pairs), estimate, truth),
        _f1(len(matches(estimate, truth, OFFSET_RATIO)), estimate, truth),
        len(pairs) / len(estimate),
        len(pairs) / len(truth),
        float(np.median(np.abs(hit[:, 0] - found[:, 0]))) if len(pairs) else None,
        float(np.mean(np.abs(hit[:, 3] - found[:, 3]))) if len(pairs) else None,
        float(np.mean(np.abs(hit[:, 3] - _fitted(found[:, 3], hit[:, 3])))) if len(pairs) else None,
    )


def _fitted(found: NoteArray, true: NoteArray) -> NoteArray:
    """Velocities after a linear fit to the true ones, as in mir_eval.transcription_velocity."""
    slope, height = np.linalg.lstsq(np.stack([found, np.ones_like(found)], axis=1), true, rcond=None)[0]
    return np.asarray(slope * found + height)


def moved(estimate: NoteArray, truth: NoteArray) -> NoteArray:
    """The estimate moved by the shift that matches the most onsets; of several, the one with the smallest error."""
    if not len(estimate) or not len(truth):
        return estimate

    def suits(rows: NoteArray) -> tuple[int, float]:
        pairs = matches(rows, truth, None)
        return len(pairs), -float(np.abs(truth[pairs[:, 0], 0] - rows[pairs[:, 1], 0]).sum())

    return max((_later(estimate, seconds) for seconds in SHIFTS), key=suits)


def _later(rows: NoteArray, seconds: float) -> NoteArray:
    out = rows.copy()
    out[:, :2] = np.maximum(out[:, :2] + seconds, 0)
    return out


def matches(estimate: NoteArray, truth: NoteArray, offset_ratio: float | None) -> Any:
    """Pairs of rows (truth, estimate) that match one to one; (n_pairs, 2)."""
    match = require_mir_eval().transcription.match_notes
    return np.array(match(*_mir(truth), *_mir(estimate), offset_ratio=offset_ratio), int).reshape(-1, 2)


def _mir(rows: NoteArray) -> tuple[NoteArray, NoteArray]:
    """Intervals in s (n_notes, 2) and frequencies in Hz (n_notes,)."""
    intervals = rows[:, :2].copy()
    intervals[:, 1] = np.maximum(intervals[:, 1], intervals[:, 0] + SHORTEST)
    return intervals, 440.0 * 2.0 ** ((rows[:, 2] - 69) / 12)


def _f1(n_matched: int, estimate: NoteArray, truth: NoteArray) -> float:
    return 2 * n_matched / (len(estimate) + len(truth))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
