"""Draws the notes of a window: an excerpt of a piece, notes made by rules, or nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.corpus.pieces import Corpus, Piece
from diffroll_live.training.corpus.procedural import MAKERS
from diffroll_live.training.synthesis.augment import noise
from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.training.synthesis.clatter import applause, drums, mains
from diffroll_live.training.synthesis.effects import augment
from diffroll_live.training.synthesis.talk import talk
from diffroll_live.types import Floats

TALKERS_SHARE = 0.3  # of speech with two voices at once
BESIDE = ("talk", "applause", "drums", "mains")  # what may sound beside a piano
BESIDE_LEVEL = (-34.0, -10.0)  # dB


def from_corpus(
    rng: np.random.Generator,
    seconds: float,
    corpus: Corpus,
    index: int,
    *,
    transpose: int,
    stretch: float,
    extra_share: float,
) -> Piece:
    """Cut ``seconds`` out of a piece, in another key (up to ``transpose`` semitones), tempo and touch.

    ``stretch``: the largest tempo factor, either way. ``extra_share``: probability of extra scattered notes.
    """
    length = float(corpus.notes[corpus.note_start[index + 1] - 1, 1])
    tempo = np.exp(rng.uniform(-np.log(stretch), np.log(stretch)))
    piece = corpus.window(index, rng.uniform(-2.0, max(length - 4.0, 0.0)), seconds * tempo)
    notes, pedal = piece.notes, piece.pedal / tempo
    notes[:, :2] /= tempo
    notes[:, 2] += rng.integers(-transpose, transpose + 1)
    notes = notes[(notes[:, 2] >= LOW_PITCH) & (notes[:, 2] <= HIGH_PITCH)]
    notes[:, 3] = np.clip(notes[:, 3] * rng.uniform(0.8, 1.1) + rng.normal(0, 4, len(notes)), 5, 127)
    if rng.random() < extra_share:
        extra = MAKERS["atonal"](rng, seconds)
        notes = np.concatenate([notes, extra[: len(notes) // 2 + 4]])
    if not len(pedal) and rng.random() < 0.3:
        pedal = changing_pedal(rng, seconds)
    return Piece(one_at_a_time(notes), pedal)


def by_rule(rng: np.random.Generator, seconds: float) -> Piece:
    """Make ``seconds`` of notes by one or two rules, sometimes with pedal."""
    notes = MAKERS[str(rng.choice(list(MAKERS)))](rng, seconds)
    if rng.random() < 0.3:
        notes = np.concatenate([notes, MAKERS[str(rng.choice(list(MAKERS)))](rng, seconds)])
    return Piece(one_at_a_time(notes), changing_pedal(rng, seconds) if rng.random() < 0.4 else np.zeros((0, 2)))


def changing_pedal(rng: np.random.Generator, seconds: float) -> NoteArray:
    """A pedal that changes every 0.4 to 3 s with short gaps."""
    down = np.arange(0, seconds, np.exp(rng.uniform(np.log(0.4), np.log(3.0))))
    if len(down) < 2:
        return np.zeros((0, 2))
    return np.stack([down[:-1] + rng.uniform(0.02, 0.15), down[1:]], axis=1)


def one_at_a_time(notes: NoteArray) -> NoteArray:
    """Cut notes at the next onset of their pitch and drop those then shorter than 40 ms; sorted by onset."""
    notes = notes[np.lexsort((notes[:, 0], notes[:, 2]))]
    same = np.append(notes[1:, 2] == notes[:-1, 2], False)
    following = np.append(notes[1:, 0], np.inf)
    notes[:, 1] = np.where(same, np.minimum(notes[:, 1], following), notes[:, 1])
    notes = notes[notes[:, 1] - notes[:, 0] >= 0.04]
    return notes[np.argsort(notes[:, 0])]


def nothing(rng: np.random.Generator, seconds: float) -> Floats:
    """Sound without notes, of one of NOTHINGS; (n_samples,)."""
    n = int(round(seconds * SAMPLE_RATE))
    kind = str(rng.choice(list(NOTHINGS), p=[share for share, _ in NOTHINGS.values()]))
    samples = NOTHINGS[kind][1](n, rng)
    return augment(samples, rng, amount=0.7) if kind in BESIDE else samples


def beside(rng: np.random.Generator, seconds: float) -> Floats:
    """Sound without notes to be added to a piano, some way below it; (n_samples,)."""
    make = NOTHINGS[str(rng.choice(BESIDE))][1]
    return make(int(round(seconds * SAMPLE_RATE)), rng) * np.float32(10 ** (rng.uniform(*BESIDE_LEVEL) / 20))


def _silence(n: int, _: np.random.Generator) -> Floats:
    return np.zeros(n, np.float32)


def _hiss(n: int, rng: np.random.Generator) -> Floats:
    return noise(n, rng) * np.float32(10 ** (rng.uniform(-70, -20) / 20))


def _swells(n: int, rng: np.random.Generator) -> Floats:
    swell = np.interp(np.arange(n), np.linspace(0, n, 40), rng.random(40) ** 2)
    return _hiss(n, rng) * swell.astype(np.float32)


def _talk(n: int, rng: np.random.Generator) -> Floats:
    talking = talk(n, rng)
    return talking + talk(n, rng) if rng.random() < TALKERS_SHARE else talking


#: Sound without notes: the probability of each in windows that have none, and what makes it.
NOTHINGS: dict[str, tuple[float, Callable[[int, np.random.Generator], Floats]]] = {
    "silence": (0.08, _silence),
    "noise": (0.08, _hiss),
    "swells": (0.06, _swells),
    "talk": (0.45, _talk),
    "drums": (0.2, drums),
    "applause": (0.08, applause),
    "mains": (0.05, mains),
}
