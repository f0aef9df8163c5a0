"""The tables of the composer: every writer's fills of a kind of hole beside what was composed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from diffroll_live.evaluation.composing import judge as judges
from diffroll_live.evaluation.composing import measures, rhythm
from diffroll_live.evaluation.composing.asking import Answer
from diffroll_live.evaluation.composing.classifier import told_apart
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.judging import verdicts
from diffroll_live.evaluation.composing.session import Session, fills_of
from diffroll_live.evaluation.composing.writers import COMPOSED
from diffroll_live.evaluation.store import Row
from diffroll_live.types import Options

#: Ways of writing two bars: what is changed of the options that are otherwise the program's own.
WAYS: tuple[Row, ...] = (
    *({"sampler": "note-by-note", "temperature": value} for value in (0.6, 0.8, 1.0, 1.15)),
    *({"sampler": "thinning", "steps": steps, "temperature": 1.0} for steps in (1, 2, 4, 8, 16)),
    *({"sampler": "thinning", "steps": 8, "temperature": value} for value in (0.7, 1.4)),
)
DENSITIES = (0.5, 0.75, 1.5, 2.0)
WAYS_KIND = "two bars"


def compared(session: Session, kinds: Sequence[str], count: int, options: Options) -> list[Row]:
    """A row for every writer of every kind, over ``count`` holes each."""
    rows: list[Row] = []
    for kind in kinds:
        answers = session.answers(kind, count, options)
        make = partial(_of_kind, session, kind, answers)
        settings = {"judge": judges.fingerprint(), **session.settings(options)}
        rows += session.keep("composing", make, kind=kind, count=count, **settings)
    return rows


def ways(session: Session, count: int, options: Options) -> list[Row]:
    """A row for what was composed and for each way of writing, over ``count`` holes of two bars."""
    drawn = session.holes(WAYS_KIND, count)
    composed = [Filled(hole, hole.composed()) for hole in drawn]
    settings = {"count": count, "judge": judges.fingerprint(), **session.settings(options)}
    about = {"sampler": COMPOSED}
    rows = session.keep("way", lambda: [{**about, **figures(session, composed, composed)}], way=about, **settings)
    densities = ({"sampler": "note-by-note", "temperature": 1.0, "density": value} for value in DENSITIES)
    for way in (*WAYS, *densities):
        answers = session.answers(WAYS_KIND, count, replace(options, **way))

        def make(way: Row = way, answers: list[Answer] = answers) -> list[Row]:
            fills = fills_of(drawn, answers)
            return [{"density": 1.0, **way, **figures(session, composed, fills), **_times(answers)}]

        rows += session.keep("way", make, way=way, **settings)
    return rows


def figures(session: Session, composed: Sequence[Filled], written: Sequence[Filled]) -> Row:
    """All that is measured of one writer's fills, which may be ``composed`` themselves."""
    session.say("comparing")
    inside, after = verdicts(judges.load_judge(), written)
    told = told_apart(composed, written) if written is not composed else None
    shown = measures.SHOWN if len(composed[0].around) else {**measures.SHOWN, **measures.OF_PIECES}
    return {
        "holes": len(written),
        "judge": inside,
        "judge_after": after,
        "auc": told and [told.auc, told.low, told.high],
        "empty": float(np.mean([not len(filled.inside) for filled in written])),
        "notes_a_beat": float(np.mean([rhythm.notes_a_beat(filled) for filled in written])),
        "place_distance": rhythm.place_distance(composed, written) if written is not composed else None,
        **{name: measures.mean(measure, written) for name, measure in shown.items()},
        "longest_match": float(np.mean(session.training.longest([filled.inside for filled in written]))),
    }


def _of_kind(session: Session, kind: str, answers: Sequence[Answer]) -> list[Row]:
    drawn = session.holes(kind, len(answers))
    composed = [Filled(hole, hole.composed()) for hole in drawn]
    rows = []
    for name, writer in session.baselines(kind).items():
        fills = composed if name == COMPOSED else [Filled(hole, writer(hole)) for hole in drawn]
        rows.append({"kind": kind, "writer": name, **figures(session, composed, fills)})
    ours = {"kind": kind, "writer": session.engine.info.name, **figures(session, composed, fills_of(drawn, answers))}
    return [*rows, {**ours, **_times(answers)}]


def _times(answers: Sequence[Answer]) -> Row:
    """Mean seconds, and to the first note."""
    firsts = [answer.first for answer in answers if answer.first is not None]
    return {
        "seconds": float(np.mean([answer.seconds for answer in answers])),
        "first": float(np.mean(firsts)) if firsts else None,
    }
