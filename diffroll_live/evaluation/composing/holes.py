"""Holes in pieces that nobody trains on: what every writer is asked for, always the same ones. No torch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from diffroll_live.errors import RequestError
from diffroll_live.evaluation.composing.excerpts import Excerpt, excerpt_of
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.composing.scores import POLISH, Score
from diffroll_live.types import Task

SEED = 11
WEIGHTS = {"pop909": 5, "openscore_lieder": 5, "chopin_first_editions": 2, POLISH: 2}  # 1 for other collections
FEWEST_A_BAR, FEWEST_IN_BAND = 4, 4  # notes: in each bar of a hole on average, and in a band of pitches
FEWEST_AROUND, FEWEST_BEFORE = 40, 3  # notes, and in the bar before
SHORTEST_BAR = 36  # ticks
TRIES = 4000  # for one more hole


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of hole: so many bars, with others around, in all pitches or in a band of them.

    ``told`` says whether the bars and beats are given, or must be estimated from notes that were played.
    """

    task: Task
    bars: int
    before: int = 4
    after: int = 4
    band: bool = False
    told: bool = True


_SHAPES = {
    "two bars": Kind("inpaint", 2),
    "one bar": Kind("inpaint", 1),
    "four bars": Kind("inpaint", 4),
    "two bars of a band of pitches": Kind("inpaint", 2, band=True),
    "eight bars that continue eight": Kind("continue", 8, before=8, after=0),
}
#: In the order of the table; a piece has nothing around that could tell the beat.
KINDS: dict[str, Kind] = {
    **_SHAPES,
    "sixteen bars from nothing": Kind("generate", 16, before=0, after=0),
    **{f"{name}, beat estimated": replace(kind, told=False) for name, kind in _SHAPES.items()},
}


@dataclass(frozen=True, slots=True)
class Hole:
    """Bars [first, last) of an excerpt and the pitches low to high of them, which are to be written."""

    excerpt: Excerpt
    kind: Kind
    first: int
    last: int
    seed: int
    low: int = LOW_PITCH
    high: int = HIGH_PITCH

    @property
    def begin(self) -> int:
        """Where the hole begins, in ticks."""
        return int(self.excerpt.lines[self.first])

    @property
    def end(self) -> int:
        """Where the hole ends, in ticks."""
        return int(self.excerpt.lines[self.last])

    def holds(self, notes: NoteArray) -> npt.NDArray[np.bool_]:
        """Which rows, in ticks, begin in the hole."""
        in_time = (notes[:, 0] >= self.begin) & (notes[:, 0] < self.end)
        return in_time & (notes[:, 2] >= self.low) & (notes[:, 2] <= self.high)

    def composed(self) -> NoteArray:
        """The notes that were composed in the hole, rows in ticks."""
        return self.excerpt.notes[self.holds(self.excerpt.notes)]

    def around(self) -> NoteArray:
        """All other notes of the excerpt, rows in ticks."""
        return self.excerpt.notes[~self.holds(self.excerpt.notes)]


def holes(scores: Sequence[Score], kind: Kind, count: int) -> Iterator[Hole]:
    """Draw ``count`` different holes of a kind in the split "valid", the same ones each time.

    Raises RequestError where the scores do not have so many.
    """
    by_corpus: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        if score.split == "valid" and len(score.bars) >= kind.before + kind.bars + kind.after:
            by_corpus[score.corpus].append(score)
    names = sorted(by_corpus)
    weights = np.array([WEIGHTS.get(name, 1) for name in names], float)
    rng = np.random.default_rng([SEED, kind.bars, kind.before, kind.after, kind.band])
    seen: set[tuple[str, int]] = set()
    for found in range(count):
        for _ in range(TRIES if names else 0):
            members = by_corpus[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
            score = members[int(rng.integers(len(members)))]
            first = _first_bar(score, kind, rng)
            hole = _hole(score, first, kind, rng)
            if hole is not None and (score.file, first) not in seen:
                seen.add((score.file, first))
                yield hole
                break
        else:
            raise RequestError(f"The scores hold only {found} different holes of {kind.bars} bars; ask for fewer.")


def _first_bar(score: Score, kind: Kind, rng: np.random.Generator) -> int:
    """Where an excerpt begins: anywhere, or so that it ends with its piece, as what is written from nothing does."""
    latest = len(score.bars) - kind.before - kind.bars - kind.after
    return int(rng.integers(0, latest + 1)) if kind.before else latest


def _hole(score: Score, first: int, kind: Kind, rng: np.random.Generator) -> Hole | None:
    """The hole of an excerpt that begins with a bar, or None where there is too little music or the metre changes."""
    excerpt = excerpt_of(score, first, first + kind.before + kind.bars + kind.after)
    near = np.diff(excerpt.lines)[max(kind.before - 2, 0) : kind.before + kind.bars + 1]
    if (near != near[0]).any() or near[0] < SHORTEST_BAR:
        return None
    hole = Hole(excerpt, kind, kind.before, kind.before + kind.bars, int(rng.integers(2**31)))
    if kind.band:
        hole = _in_band(hole, rng)
    inside, around = hole.composed(), hole.around()
    before = int((excerpt.bar_of(around[:, 0]) == hole.first - 1).sum())
    if len(inside) < (FEWEST_IN_BAND if kind.band else FEWEST_A_BAR * kind.bars):
        return None
    if kind.before and (len(around) < FEWEST_AROUND or before < FEWEST_BEFORE):
        return None
    return hole


def _in_band(hole: Hole, rng: np.random.Generator) -> Hole:
    """Keep only the upper part, the lower part or two octaves of a hole."""
    middle = int(np.median(hole.excerpt.notes[:, 2])) + int(rng.integers(-4, 5)) if len(hole.excerpt.notes) else 60
    bands = ((middle, HIGH_PITCH), (LOW_PITCH, middle), (middle - 12, middle + 11))
    low, high = bands[int(rng.integers(len(bands)))]
    return replace(hole, low=max(low, LOW_PITCH), high=min(high, HIGH_PITCH))
