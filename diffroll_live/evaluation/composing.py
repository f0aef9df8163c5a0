"""The table of filling, continuing and generating: a model beside the composed music and three baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from typing import Any

import numpy as np

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.evaluation.baselines import Chain, bar_before
from diffroll_live.evaluation.clips import EvaluationSet
from diffroll_live.evaluation.copying import Training
from diffroll_live.evaluation.evaluation import answer
from diffroll_live.evaluation.gaps import KINDS, Gap, gaps
from diffroll_live.evaluation.similarity import Filled, similarity
from diffroll_live.evaluation.store import Row
from diffroll_live.model.roll_targets import NoteArray, to_array
from diffroll_live.music import regions as tasks
from diffroll_live.types import Options, Region

COMPOSED, BAR, CHAIN = "composed", "bar before", "Markov chain"
HALVES = "composed, half beside half"
CHUNK = 10  # gaps written between saves
DECIMALS = 4  # of times in seconds

Keep = Callable[..., list[Row]]
"""Returns rows from a store, or makes them: name, make, settings."""


class Writers:
    """All writers of a gap: the composer, the model, the baselines."""

    def __init__(self, engine: TorchEngine, stage: EvaluationSet) -> None:
        self.engine, self.stage = engine, stage

    @cached_property
    def chain(self) -> Chain:
        """The Markov chain, which takes a while to build."""
        return Chain(self.stage.corpus)

    def model(self, gap: Gap, options: Options) -> NoteArray:
        """The model's new notes, without those it was given."""
        chosen = replace(options, seed=gap.request.options.seed, seconds=gap.request.options.seconds)
        result = answer(self.engine, replace(gap.request, options=chosen))
        self.engine.forget()
        return to_array(note for note in result.variations[0] if tasks.holds(gap.region, note))

    def all(self, gap: Gap, options: Options) -> dict[str, NoteArray]:
        """Each writer's notes by name; a generation has no preceding bar to repeat."""
        found = {COMPOSED: gap.inside, self.engine.info.name: self.model(gap, options)}
        if len(gap.around):
            found[BAR] = bar_before(gap)
        return {**found, CHAIN: self.chain(gap)}


@dataclass(frozen=True, slots=True)
class Session:
    """The writers, the material, and where results are stored."""

    writers: Writers
    piano: str
    options: Options
    keep: Keep
    say: Callable[[str], None]

    def written(self, kind: str, count: int) -> list[Row]:
        """All writers' notes for ``count`` gaps of a kind: rows of plain lists, from the store if present."""
        rows: list[Row] = []
        drawn: Iterator[Gap] = gaps(self.writers.stage, self.piano, kind, count)
        at = 0
        for first in range(0, count, CHUNK):
            number = min(CHUNK, count - first)

            def make(first: int = first, number: int = number) -> list[Row]:
                nonlocal at
                chosen = list(islice(drawn, first - at, first - at + number))
                at = first + number
                return [self._plain(kind, first + i, gap) for i, gap in enumerate(chosen)]

            rows += self.keep(
                "written", make, kind=kind, first=first, number=number, writing=_plain_options(self.options)
            )
        return rows

    def _plain(self, kind: str, number: int, gap: Gap) -> Row:
        self.say(f"{kind}: {number + 1}")
        notes = self.writers.all(gap, self.options)
        return {
            "region": [gap.region.onset, gap.region.offset, gap.region.low, gap.region.high],
            "around": _rounded(gap.around),
            "notes": {name: _rounded(rows) for name, rows in notes.items()},
        }


def filled(rows: list[Row], writer: str) -> list[Filled]:
    """One writer's results, from the store's rows."""
    return [
        Filled(Region(*row["region"]), _array(row["notes"][writer]), _array(row["around"]))
        for row in rows
        if writer in row["notes"]
    ]


def compared(rows: list[Row], kind: str, training: Training) -> list[Row]:
    """A row of the table for each writer of a kind of gap."""
    composed = filled(rows, COMPOSED)
    sides = {writer: (composed, filled(rows, writer)) for writer in rows[0]["notes"]}
    if len(rows) >= CHUNK:  # composed music against itself; half as many notes, so a little low
        sides = {HALVES: (composed[::2], composed[1::2]), **sides}
    lines = []
    for writer, (real, written) in sides.items():
        match = training.longest_match([one.inside for one in written])
        lines.append({"kind": kind, "writer": writer, **similarity(real, written), "longest_match": match})
    return lines


def _plain_options(options: Options) -> Row:
    return {"steps": options.steps, "temperature": options.temperature, "density": options.density}


def _rounded(rows: NoteArray) -> list[list[float]]:
    return np.round(rows, DECIMALS).tolist()


def _array(rows: Any) -> NoteArray:
    return np.array(rows, np.float64).reshape(-1, 4)


def table_of(session: Session, count: int, say: Callable[[str], None]) -> list[Row]:
    """The whole table, ``count`` gaps of each kind."""
    lines: list[Row] = []
    training: list[Training] = []

    def compare(kind: str, rows: list[Row]) -> list[Row]:
        if not training:
            say("reading the training rolls")
            training.append(Training(session.writers.stage.corpus))
        return compared(rows, kind, training[0])

    for kind in KINDS:
        rows = session.written(kind, count)
        lines += session.keep("composing", partial(compare, kind, rows), kind=kind, count=count)
    return lines


#: The options to vary, and their values.
DIALS: dict[str, tuple[float, ...]] = {"temperature": (0.3, 0.7, 1.0, 1.5, 2.5), "density": (0.25, 0.5, 1.0, 1.5, 2.0)}


def dials(session: Session, count: int) -> list[Row]:
    """The effect of temperature and density on gaps: notes per second, and their share in the surrounding scale."""
    kind = next(iter(KINDS))
    members = list(gaps(session.writers.stage, session.piano, kind, count))
    lines = []
    for name, values in DIALS.items():
        for value in values:
            session.say(f"{name} {value:g}")
            turned: dict[str, Any] = {name: value}
            options = replace(session.options, **turned)
            made = [Filled(g.region, session.writers.model(g, options), g.around) for g in members]
            figures = similarity([Filled(g.region, g.inside, g.around) for g in members], made)
            lines.append({"option": name, "value": value, **figures})
    return lines
