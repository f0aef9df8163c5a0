"""Where a model misses and invents notes: the bass, repeated notes, soft notes, octaves and twelfths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from diffroll_live.evaluation.scores import matches, moved
from diffroll_live.evaluation.store import Row
from diffroll_live.evaluation.transcribing import Hear, TestSet
from diffroll_live.model.roll_targets import NoteArray

LOW = 48  # C3; pitches below are the bass
AGAIN = 0.25  # s from one onset to the next on a pitch
SOFT = 50  # velocities below
NEAR = 0.05  # s around a note in which another counts as sounding with it
KIN = (12, 19)  # semitones, either way: an octave and a twelfth, whose partials are those of a note

Marks = npt.NDArray[np.bool_]


def weaknesses(hear: Hear, chosen: TestSet, say: Callable[[str], None]) -> Row:
    """Count over all notes of a set; a share of nothing is None."""
    found: dict[str, list[Marks]] = {name: [] for name in ("low", "again", "soft", "octaves", "restrikes")}
    seconds = 0.0
    for number, clip in enumerate(chosen.clips(), 1):
        estimate = moved(hear(clip.audio), clip.notes) if chosen.shift else hear(clip.audio)
        for name, kind in marked(estimate, clip.notes).items():
            found[name].append(kind)
        seconds += clip.audio.seconds
        say(f"{chosen.name}: {number} clips")
    marks = {name: np.concatenate(parts) for name, parts in found.items()}
    shares = {name: float(each.mean()) if len(each) else None for name, each in marks.items()}
    a_minute = 60.0 / seconds
    return {
        "set": chosen.name,
        **shares,
        "invented": len(marks["octaves"]) * a_minute,
        "octaves_a_minute": float(marks["octaves"].sum()) * a_minute,
    }


def marked(estimate: NoteArray, truth: NoteArray) -> dict[str, Marks]:
    """Which notes of each weakness were found, and which of the notes invented are of which kind."""
    pairs = matches(estimate, truth, None) if len(estimate) and len(truth) else np.zeros((0, 2), int)
    hit, right = np.zeros(len(truth), bool), np.zeros(len(estimate), bool)
    hit[pairs[:, 0]], right[pairs[:, 1]] = True, True
    invented = estimate[~right]
    return {
        "low": hit[truth[:, 2] < LOW],
        "again": hit[_struck_again(truth)],
        "soft": hit[truth[:, 3] < SOFT],
        "octaves": _beside(invented, truth, (*KIN, *(-interval for interval in KIN))),
        "restrikes": _beside(invented, truth, (0,)),
    }


def _struck_again(notes: NoteArray) -> Marks:
    """The notes whose pitch was struck not long before."""
    order = np.lexsort((notes[:, 0], notes[:, 2]))
    rows, marks = notes[order], np.zeros(len(notes), bool)
    marks[order[1:]] = (rows[1:, 2] == rows[:-1, 2]) & (rows[1:, 0] - rows[:-1, 0] <= AGAIN)
    return marks


def _beside(notes: NoteArray, truth: NoteArray, intervals: tuple[int, ...]) -> Marks:
    """The notes that begin while a true one sounds that is one of the intervals away."""
    at = notes[:, None, 0]
    sounding = (truth[None, :, 0] - NEAR <= at) & (at <= truth[None, :, 1] + NEAR)
    kin = sounding & np.isin(notes[:, None, 2] - truth[None, :, 2], intervals)
    return np.asarray(kin.any(axis=1))
