"""What the page plays: the shipped scores transcribed, filled, continued, and music from nothing. None is picked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.evaluation.composing.asking import ask
from diffroll_live.evaluation.composing.excerpts import excerpt_of
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.holes import Hole, Kind
from diffroll_live.evaluation.composing.pictures import draw_fills
from diffroll_live.evaluation.composing.playing import as_written
from diffroll_live.evaluation.evaluation import answer
from diffroll_live.evaluation.listening.sounds import sounded
from diffroll_live.files.plot import draw_plot, draw_trajectory
from diffroll_live.model.roll_targets import to_notes
from diffroll_live.training.composing.scores import Score
from diffroll_live.types import AudioBuffer, NoteEvent, Options, Request

COMPOSED, WRITTEN, AGAIN = "composed", "written", "written again"
SEED = 1
HEARD_BARS = 8  # of a transcription
EVALUATIONS = 24  # of the trajectory

#: What is asked for, from the middle of each piece.
GAP = Kind("inpaint", 2)
CONTINUATION = Kind("continue", 8, before=8, after=0)
PIECE = Kind("generate", 16, before=0, after=0)

Draw = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Example:
    """One example: its sounds by name, and what draws its picture, whose name ends as ``kind`` says."""

    name: str
    sounds: Mapping[str, AudioBuffer]
    draw: Draw
    kind: str = "png"


@dataclass(frozen=True, slots=True)
class Chapter:
    """Examples of one task, made as they are asked for."""

    title: str
    about: str
    examples: Iterator[Example]


def chapters(engine: TorchEngine, scores: Sequence[Score]) -> Iterator[Chapter]:
    """All chapters of the page."""
    yield Chapter(
        "Transcription",
        "Eight bars of each piece, played by a synthesizer, heard by the model, and its notes played again.",
        (_heard(engine, score) for score in scores),
    )
    if engine.composer is not None:
        for title, about, kind in (
            ("Gap", "Two bars from the middle of each piece, hidden, with four bars on each side; twice.", GAP),
            ("Continuation", "Eight bars that are given, and eight that follow; twice.", CONTINUATION),
            (
                "From nothing",
                "Sixteen bars in each piece's metre and tempo, beside its own last sixteen; twice.",
                PIECE,
            ),
        ):
            yield Chapter(title, about, (_written(engine, score, kind) for score in scores))
    yield Chapter(
        "Trajectory",
        f"The roll of a transcription as it emerges from the noise, in {EVALUATIONS} evaluations of the network.",
        (_trajectory(engine, score) for score in scores[:1]),
    )


def _heard(engine: TorchEngine, score: Score) -> Example:
    audio = _played(score)
    result = answer(engine, Request("listen", "transcribe", audio, pictures=frozenset({"plot"})))
    notes, pictures = result.variations[0], result.pictures
    assert pictures is not None
    sounds = {"synthesizer": audio, "transcript": sounded(notes)}
    return Example(score.file, sounds, lambda path: draw_plot(path, pictures, notes))


def _trajectory(engine: TorchEngine, score: Score) -> Example:
    audio, options = _played(score), Options(sampler="ddim", steps=EVALUATIONS)
    request = Request("listen", "transcribe", audio, options=options, pictures=frozenset({"trajectory"}))
    pictures = answer(engine, request).pictures
    assert pictures is not None
    return Example(score.file, {"synthesizer": audio}, lambda path: draw_trajectory(path, pictures), "gif")


def _played(score: Score) -> AudioBuffer:
    """The first bars of a score as sound."""
    excerpt = excerpt_of(score, 0, min(HEARD_BARS, len(score.bars)))
    return sounded(to_notes(as_written(excerpt).sounding(excerpt.notes)))


def _written(engine: TorchEngine, score: Score, kind: Kind) -> Example:
    fills = {COMPOSED: _hole(score, kind, 0).composed()}
    holes = {name: _hole(score, kind, SEED + number) for number, name in enumerate((WRITTEN, AGAIN))}
    fills |= {name: ask(engine, hole, Options()).rows for name, hole in holes.items()}
    filled = {name: Filled(holes.get(name, holes[WRITTEN]), rows) for name, rows in fills.items()}
    sounds = {name: sounded(notes_of(one)) for name, one in filled.items()}
    return Example(score.file, sounds, lambda path: draw_fills(path, filled))


def _hole(score: Score, kind: Kind, seed: int) -> Hole:
    """Of the middle of a piece; what is written from nothing lies beside its end."""
    size = kind.before + kind.bars + kind.after
    spare = max(len(score.bars) - size, 0)
    first = spare // 2 if kind.before else spare
    excerpt = excerpt_of(score, first, min(first + size, len(score.bars)))
    return Hole(excerpt, kind, kind.before, min(kind.before + kind.bars, excerpt.n_bars), seed)


def notes_of(filled: Filled) -> tuple[NoteEvent, ...]:
    """A filled hole with the music around it, in seconds, exactly in time."""
    rows = np.concatenate([filled.hole.around(), filled.rows])
    return to_notes(as_written(filled.hole.excerpt).sounding(rows))
