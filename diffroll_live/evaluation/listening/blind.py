"""A blind test: passages of which two versions are heard, and a page that asks which one is the composer's.

The page knows nothing of who wrote what: the key lies beside its folder, not in it, and the answers are saved as a file
that ``blind_scores`` reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.evaluation.composing.asking import ask
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.holes import KINDS, Hole, holes
from diffroll_live.evaluation.composing.writers import COMPOSED, WRITERS
from diffroll_live.evaluation.listening.examples import notes_of
from diffroll_live.evaluation.listening.page import PAGE, document, player
from diffroll_live.evaluation.listening.sounds import mp3, sounded
from diffroll_live.files.atomic import make_folder, write_atomic
from diffroll_live.training.composing.scores import Score
from diffroll_live.types import Options

OURS = "the program"
BAR, SHUFFLED = "the bar before, repeated", "the same pitches, shuffled"
HEARD = (COMPOSED, BAR, OURS, SHUFFLED)
PAIRS = tuple(combinations(HEARD, 2))
EACH = 4  # passages for each pair
KIND = "two bars"
SIDES = ("A", "B")
ANSWERS = ("A", "B", "neither")
SEED = 17
FORM = Path(__file__).with_name("form.js")
ABOUT = (
    "Each passage is heard in two versions. Four bars and what follows are the same; the two bars between may be the"
    " composer's, or may not. Listen as often as you like, choose the one that you believe is the composer's, and save"
    " your answers at the end. They stay in this browser until then, and are sent nowhere."
)


@dataclass(frozen=True, slots=True)
class Trial:
    """A passage, and the writers of its versions A and B."""

    hole: Hole
    writers: tuple[str, str]


def trials(scores: Sequence[Score], count: int) -> Iterator[Trial]:
    """Every pair of writers ``count`` times, in an order and on sides drawn once and for all."""
    rng = np.random.default_rng(SEED)
    order = rng.permutation(np.repeat(np.arange(len(PAIRS)), count))
    for pair, hole in zip(order.tolist(), holes(scores, KINDS[KIND], len(order)), strict=True):
        first, second = PAIRS[pair]
        yield Trial(hole, (first, second) if rng.random() < 0.5 else (second, first))


def key_file(folder: Path) -> Path:
    """Where the key of a page lies."""
    return folder.with_name(f"{folder.resolve().name}-key.json")


def make_blind(engine: TorchEngine, scores: Sequence[Score], folder: Path, say: Callable[[str], None]) -> Path:
    """Make the page with its sounds in a folder and the key beside it; return the page. Raises FileError."""
    make_folder(folder)
    key, parts = [], []
    for number, trial in enumerate(trials(scores, EACH), 1):
        say(f"passage {number}")
        players = []
        for side, writer in zip(SIDES, trial.writers, strict=True):
            rows = ask(engine, trial.hole, Options()).rows if writer == OURS else WRITERS[writer](trial.hole)
            file = f"{number:02d}-{side.lower()}.mp3"
            write_atomic(folder / file, mp3(sounded(notes_of(Filled(trial.hole, rows)))))
            players.append(player(file, side))
        key.append(
            {"passage": number, **dict(zip(SIDES, trial.writers, strict=True)), "piece": trial.hole.excerpt.piece}
        )
        parts.append(_question(number, "".join(players)))
    body = f"<p>{ABOUT}</p><form>{''.join(parts)}{_END}</form><script>{FORM.read_text(encoding='utf-8')}</script>"
    write_atomic(key_file(folder), json.dumps(key, indent=1).encode())
    write_atomic(folder / PAGE, document("Which is the composer's?", body).encode())
    return folder / PAGE


def _question(number: int, players: str) -> str:
    choices = "".join(
        f'<label><input type="radio" name="{number}" value="{value}"> {value}</label>' for value in ANSWERS
    )
    return f"<section><h2>Passage {number}</h2><p>{players}</p><fieldset>{choices}</fieldset></section>"


_END = '<p><button type="submit">Save the answers</button> <output></output></p>'
