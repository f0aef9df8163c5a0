"""What the program writes into the holes, from the store where it has been written before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.evaluation.composing.asking import Answer, ask
from diffroll_live.evaluation.composing.chain import Chain
from diffroll_live.evaluation.composing.copying import TrainingScores
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.holes import KINDS, Hole, holes
from diffroll_live.evaluation.composing.writers import CHAIN, REPEATERS, WRITERS, Writer
from diffroll_live.evaluation.store import Row
from diffroll_live.training.composing.scores import Score
from diffroll_live.types import Options

CHUNK = 8  # holes written between saves
DECIMALS = 3  # of ticks

Keep = Callable[..., list[Row]]
"""Returns rows from a store, or makes them: name, make, settings."""


@dataclass(frozen=True)
class Session:
    """An engine with a composer, the scores, and where rows are kept; ``composer`` names its weights."""

    engine: TorchEngine
    composer: str
    scores: Sequence[Score]
    keep: Keep
    say: Callable[[str], None]
    _holes: dict[str, list[Hole]] = field(default_factory=dict)

    @cached_property
    def chain(self) -> Chain:
        """The Markov chain, which takes a while to build."""
        self.say("reading the training scores")
        return Chain(self.scores)

    @cached_property
    def training(self) -> TrainingScores:
        """What may have been copied."""
        return TrainingScores(self.scores)

    def holes(self, kind: str, count: int) -> list[Hole]:
        """The holes of a kind, the same ones each time."""
        if len(self._holes.get(kind, ())) < count:
            self._holes[kind] = list(holes(self.scores, KINDS[kind], count))
        return self._holes[kind][:count]

    def baselines(self, kind: str) -> dict[str, Writer]:
        """The simple writers that can fill a kind of hole."""
        repeats = KINDS[kind].before > 0
        simple = {name: writer for name, writer in WRITERS.items() if repeats or name not in REPEATERS}
        return {**simple, CHAIN: self.chain}

    def answers(self, kind: str, count: int, options: Options) -> list[Answer]:
        """What the program writes, with these options."""
        drawn = self.holes(kind, count)
        rows: list[Row] = []
        for first in range(0, count, CHUNK):

            def make(first: int = first) -> list[Row]:
                return list(self._written(kind, drawn[first : first + CHUNK], first, options))

            number = min(CHUNK, count - first)
            where = {"kind": kind, "first": first, "number": number}
            rows += self.keep("written", make, **where, **self.settings(options))
        return [Answer(np.array(row["notes"], float).reshape(-1, 4), row["seconds"], row["first"]) for row in rows]

    def settings(self, options: Options) -> Row:
        """What everything that is written depends on."""
        names = ("quality", "sampler", "steps", "temperature", "density")
        return {"composer": self.composer, "writing": {name: getattr(options, name) for name in names}}

    def _written(self, kind: str, drawn: Sequence[Hole], first: int, options: Options) -> Iterator[Row]:
        for hole in islice(drawn, 1):  # so that none of those that are timed is the first
            ask(self.engine, hole, options)
        for number, hole in enumerate(drawn):
            self.say(f"{kind}: {first + number + 1}")
            answer = ask(self.engine, hole, options)
            notes = np.round(answer.rows, DECIMALS).tolist()
            yield {"notes": notes, "seconds": answer.seconds, "first": answer.first}


def fills_of(drawn: Sequence[Hole], answers: Sequence[Answer]) -> list[Filled]:
    """The program's answers as fills."""
    return [Filled(hole, answer.rows, played=not hole.kind.told) for hole, answer in zip(drawn, answers, strict=True)]
