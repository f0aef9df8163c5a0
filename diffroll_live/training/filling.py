"""What a model writes into holes, beside what the composer wrote there: density, lengths and key.

Nothing here says whether music is good; it says whether it could be told apart by counting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from diffroll_live.engine import TorchEngine
from diffroll_live.notes import NoteArray, to_array
from diffroll_live.training.evaluation import Clip, Silent
from diffroll_live.types import Floats, Options, Region, Request

HOLE = Region(9.0, 11.0)
AROUND = 5.0  # s on both sides that count as the context
FEWEST = 10  # notes of context that make a hole worth filling
MAJOR = (0, 2, 4, 5, 7, 9, 11)


@dataclass(frozen=True, slots=True)
class Hole:
    """The notes in a hole and those around it, as rows (onset s, offset s, pitch, velocity)."""

    inside: NoteArray
    around: NoteArray


@dataclass(frozen=True, slots=True)
class Counts:
    """Means over holes.

    notes: in a hole; empty: share of holes without a note; duration: median, s; key_overlap: of the pitch-class
    histograms inside and around; in_scale: share of notes in the major scale that fits the context best.
    """

    notes: float
    empty: float
    duration: float
    key_overlap: float
    in_scale: float


def holes(engine: TorchEngine, clips: Iterable[Clip], options: Options) -> Iterator[tuple[Hole, Hole]]:
    """For every clip with enough music around it the hole as composed, and as written with the audio around it."""
    for number, clip in enumerate(clips):
        composed = _hole(clip.notes, clip.notes)
        if not len(composed.inside) or len(composed.around) < FEWEST:
            continue
        seeded = Options(steps=options.steps, seed=number)
        result = engine.run(Request("filling", "inpaint", clip.audio, (HOLE,), options=seeded), Silent())
        yield composed, _hole(to_array(result.variations[0]), clip.notes)


def counts(members: list[Hole]) -> Counts:
    """Count what is in holes."""
    written = [hole for hole in members if len(hole.inside)]
    rows = np.concatenate([hole.inside for hole in members])
    return Counts(
        notes=float(np.mean([len(hole.inside) for hole in members])),
        empty=1 - len(written) / len(members),
        duration=float(np.median(rows[:, 1] - rows[:, 0])) if len(rows) else 0.0,
        key_overlap=float(np.mean([np.minimum(*map(_classes, (h.inside, h.around))).sum() for h in written] or [0.0])),
        in_scale=float(np.mean([_in_scale(hole) for hole in written] or [0.0])),
    )


def _hole(inside: NoteArray, around: NoteArray) -> Hole:
    def between(rows: NoteArray, begin: float, end: float) -> NoteArray:
        return rows[(rows[:, 0] >= begin) & (rows[:, 0] < end)]

    before = between(around, HOLE.onset - AROUND, HOLE.onset)
    after = between(around, HOLE.offset, HOLE.offset + AROUND)
    return Hole(between(inside, HOLE.onset, HOLE.offset), np.concatenate([before, after]))


def _classes(rows: NoteArray) -> Floats:
    """How long each pitch class sounds, notes of more than 2 s counting as 2 s; (12,), sum 1."""
    weights = np.minimum(rows[:, 1] - rows[:, 0], 2.0)
    total = np.bincount(rows[:, 2].astype(int) % 12, weights=weights, minlength=12)
    return np.asarray(total / total.sum(), np.float32)


def _in_scale(hole: Hole) -> float:
    around = _classes(hole.around)
    tonic = int(np.argmax([sum(around[(root + step) % 12] for step in MAJOR) for root in range(12)]))
    scale = {(tonic + step) % 12 for step in MAJOR}
    return float(np.mean([pitch % 12 in scale for pitch in hole.inside[:, 2].astype(int)]))
