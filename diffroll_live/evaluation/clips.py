"""The clips that every model is measured on: unmodified pieces of the validation split on a named piano.

They depend only on the note bank, the corpus and a seed, not on how training draws its windows, so that models
trained differently are measured on the same audio.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diffroll_live.errors import RequestError
from diffroll_live.evaluation.evaluation import Clip
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.corpus.pieces import Corpus, Piece, open_corpus
from diffroll_live.training.examples.drawing import changing_pedal
from diffroll_live.training.examples.windows import LEAD, Material
from diffroll_live.training.synthesis.augment import noise, room
from diffroll_live.training.synthesis.bank import SAMPLE_RATE, Bank, open_bank
from diffroll_live.training.synthesis.mixer import PlayedTouch, mix, with_pedal
from diffroll_live.types import AudioBuffer, Floats

SECONDS = 20.48
NOISE = 20.0  # dB below the music
FEWEST = 8  # notes per clip, at least
SEED, TUNING_SEED = 7, 8  # thresholds are tuned on other clips than those reported
SHORTEST = 0.04  # s of a note
HOLD = 8.0  # s that a heavy pedal stays down


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """A note bank and the pieces of the validation split, by collection."""

    bank: Bank
    corpus: Corpus
    pieces: tuple[tuple[int, ...], ...]


def open_evaluation_set(material: Material, pianos: tuple[str, ...]) -> EvaluationSet:
    """Open the bank and the corpus. Raises FileMissing or FileError, RequestError without a piano or the split."""
    if material.bank is None or material.corpus is None:
        raise RequestError("A model is measured on clips of a note bank and a corpus: run diffroll-live prepare.")
    bank, corpus = open_bank(material.bank), open_corpus(material.corpus)
    if odd := [piano for piano in pianos if piano not in bank.layers]:
        raise RequestError(
            f"There is no piano {odd[0]!r} in the bank {material.bank}: choose from {', '.join(bank.pianos)}."
        )
    members = [i for i in corpus.pieces("valid") if corpus.collection(i) not in material.without]
    collections = sorted({corpus.collection(i) for i in members})
    if not members:
        raise RequestError(f"No piece of {material.corpus} is in the split 'valid'; leave fewer out.")
    return EvaluationSet(
        bank, corpus, tuple(tuple(i for i in members if corpus.collection(i) == c) for c in collections)
    )


def excerpts(stage: EvaluationSet, seconds: float, seed: int) -> Iterator[Piece]:
    """Endless excerpts of ``seconds``, equally often from each collection, including what still rings from before.

    Times count from the beginning of the excerpt; notes and pedal of the LEAD seconds before it are negative.
    """
    rng = np.random.default_rng([seed, 0])
    while True:
        members = stage.pieces[int(rng.integers(len(stage.pieces)))]
        index = int(rng.choice(members))
        end = float(stage.corpus.piece(index).notes[:, 1].max())
        begin = float(rng.uniform(0.0, max(end - seconds, 0.0)))
        piece = stage.corpus.window(index, begin - LEAD, seconds + LEAD)
        notes, pedal = piece.notes, piece.pedal - LEAD
        notes[:, :2] -= LEAD
        notes = on_one_piano(notes)
        if len(inside(notes, seconds)) >= FEWEST:
            yield Piece(notes, pedal)


def on_one_piano(notes: NoteArray) -> NoteArray:
    """End notes where their key is struck again, and drop very short ones; sorted by onset."""
    notes = notes[np.lexsort((notes[:, 0], notes[:, 2]))]
    again = np.append(np.where(notes[1:, 2] == notes[:-1, 2], notes[1:, 0], np.inf), np.inf)[: len(notes)]
    notes[:, 1] = np.minimum(notes[:, 1], again)
    notes = notes[notes[:, 1] - notes[:, 0] >= SHORTEST]
    return notes[np.argsort(notes[:, 0], kind="stable")]


def inside(notes: NoteArray, seconds: float) -> NoteArray:
    """The rows that begin in [0, seconds)."""
    return notes[(notes[:, 0] >= 0) & (notes[:, 0] < seconds)]


def clips(
    stage: EvaluationSet,
    piano: str,
    count: int,
    *,
    noisy: bool = False,
    heavy: bool = False,
    changing: bool = False,
    seed: int = SEED,
) -> Iterator[Clip]:
    """Clips of 20.48 s on one piano; ``noisy``: in a room, with noise at -20 dB; ``heavy``: with the pedal held.

    ``changing``: with a pedal that changes every 0.4 to 3 s where the piece has none of its own.

    The n-th clip has the same notes whatever the piano and the condition.
    """
    for number, piece in zip(range(count), excerpts(stage, SECONDS, seed), strict=False):
        rng = np.random.default_rng([seed, 1, number])
        touch = PlayedTouch(piano, rng.uniform(28, 38), rng.uniform(-15, 15), float(np.exp(rng.uniform(-3.0, -2.0))))
        pedal = _kept_down() if heavy else piece.pedal
        if changing and not len(pedal):
            pedal = changing_pedal(np.random.default_rng([seed, 2, number]), SECONDS + LEAD) - LEAD
        samples = mix(stage.bank, with_pedal(piece.notes, pedal), SECONDS, touch, rng)
        if noisy:
            samples = in_a_room(samples, rng)
        samples = np.clip(samples, -1, 1).astype(np.float32)
        audio = AudioBuffer("clip", samples, SAMPLE_RATE)
        yield Clip(f"{piano}-{number}", audio, inside(piece.notes, SECONDS), inside(pedal, SECONDS))


def in_a_room(samples: Floats, rng: np.random.Generator) -> Floats:
    """Add a room at the same power, and noise NOISE dB below it."""
    n_fft = len(samples) + SAMPLE_RATE
    wet = np.fft.irfft(np.fft.rfft(samples, n_fft) * np.fft.rfft(room(rng), n_fft), n_fft)[: len(samples)]
    power = float(np.sqrt(np.mean(samples**2)))
    wet *= power / (float(np.sqrt(np.mean(wet**2))) + 1e-9)
    return (wet + noise(len(samples), rng) * power * 10 ** (-NOISE / 20)).astype(np.float32)


def _kept_down() -> NoteArray:
    down = np.arange(-LEAD, SECONDS, HOLD)
    return np.stack([down, down + HOLD - 0.1], axis=1)
