"""Endless training windows: notes, a piano, a room, and the target roll."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from diffroll_live.errors import RequestError
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import HIGH_PITCH
from diffroll_live.training.corpus.pairs import Pairs, open_pairs
from diffroll_live.training.corpus.pieces import Corpus, Piece, open_corpus
from diffroll_live.training.examples.drawing import beside, by_rule, from_corpus, nothing
from diffroll_live.training.stages import stage_of
from diffroll_live.training.synthesis.augment import draw_effects
from diffroll_live.training.synthesis.bank import INSTRUMENT_SECONDS, SAMPLE_RATE, Bank, is_instrument, open_bank
from diffroll_live.training.synthesis.effects import perform
from diffroll_live.training.synthesis.mixer import PlayedTouch, summed, sympathetic, voices_of, with_pedal
from diffroll_live.training.synthesis.plans import WindowPlan
from diffroll_live.types import Floats

POOL = 1 << 40  # offset that separates the seeds of reused windows from the others
LEAD = 4.0  # s of notes before a window that may still ring into it


@dataclass(frozen=True, slots=True)
class Material:
    """What windows are made of. Shares are probabilities in [0, 1]."""

    bank: Path | None  # None if nothing is mixed
    corpus: Path | None  # None if all notes come from recordings
    recordings: Path | None = None  # prepared pairs of audio and notes
    stage: str = "tasks"  # a row of stages.STAGES: how much of the audio is shown
    split: str = "train"
    pianos: tuple[str, ...] = ()  # empty: all in the bank except ``unheard``
    unheard: str = "upright_kw"  # never used in training; empty: every piano is
    without: tuple[str, ...] = ()  # collections to leave out, such as pop909
    rule_share: float = 0.35  # of windows made by rules
    empty_share: float = 0.2  # of windows without any note
    edge_share: float = 0.25  # of windows whose audio stops early
    extra_share: float = 0.2  # of windows from a corpus with extra scattered notes
    transpose: int = 6  # semitones, at most, either way
    stretch: float = 1.25  # largest tempo factor, either way
    augmentation: float = 1.0  # scale of each effect's own probability
    seconds: float = 8.192
    instrument_share: float = 0.1  # of mixed windows played on another instrument, if the bank has any
    beside_share: float = 0.1  # of windows on a piano in which there is talk, applause or the like as well
    recorded_share: float = 1.0  # of windows with audio that are cut from recordings, if there are any
    different: int = 0  # number of windows with audio, reused endlessly; 0: every one is new


@dataclass(frozen=True, slots=True)
class Window:
    """One example: audio (n_samples,), and what is known about it as in its ``plans.WindowPlan``."""

    samples: Floats
    notes: NoteArray
    edge: float
    pedal: NoteArray | None = None
    trust: float = 1.0


class WindowMaker:
    """Draws windows; the n-th window of a seed is always the same.

    Raises FileMissing or FileError for a bank, a corpus or recordings that cannot be opened, RequestError for a stage,
    a piano or a collection that does not exist, or material that yields no windows.
    """

    def __init__(self, material: Material) -> None:
        self.material = material
        self.stage = stage_of(material.stage)
        self._check()
        mixed = material.bank is not None and self.stage.sounds
        self.bank: Bank | None = open_bank(material.bank) if material.bank is not None and mixed else None
        self.corpus: Corpus | None = open_corpus(material.corpus) if material.corpus is not None else None
        self.pairs: Pairs | None = open_pairs(material.recordings) if material.recordings is not None else None
        self.pianos = _pianos(material, self.bank) if self.bank is not None else ()
        self.instruments = tuple(p for p in self.bank.pianos if is_instrument(p)) if self.bank is not None else ()
        self.by_collection = _collections(material, self.corpus) if self.corpus is not None else {}
        self._takes = _takes(material, self.pairs) if self.pairs is not None else np.zeros(0, np.int64)

    def window(self, seed: int, number: int) -> Window:
        """Make window ``number`` of a seed."""
        plan = self.plan(seed, number)
        samples = np.zeros(int(round(self.material.seconds * SAMPLE_RATE)), np.float32)
        if plan.voices is not None and self.bank is not None:
            samples = summed(self.bank, plan.voices, self.material.seconds)
        if plan.samples is not None:
            samples = samples + plan.samples
        if plan.effects is not None:
            samples = np.asarray(perform(torch.from_numpy(samples)[None], [plan.effects])[0].numpy())
        samples[int(plan.edge * SAMPLE_RATE) :] = 0
        return Window(samples, plan.notes, plan.edge, plan.pedal, plan.trust)

    def plan(self, seed: int, number: int) -> WindowPlan:
        """Draw window ``number`` of a seed without rendering it."""
        rng = np.random.default_rng([seed, number])
        if self.stage.rolls and rng.random() < self.stage.rolls:
            return self._roll(rng)
        hidden = bool(self.stage.hidden) and rng.random() < self.stage.hidden
        if self.material.different:
            rng = np.random.default_rng([seed, POOL, int(rng.integers(self.material.different))])
        plan = self._sounding(rng)
        return plan.unheard() if hidden else plan

    def holdings(self) -> dict[str, Any]:
        """The contents of the material, independent of where it is stored."""
        bank, pairs = self.bank, self.pairs
        return {
            "pianos": self.pianos,
            "bank": bank and {"pianos": bank.pianos, "samples": len(bank.samples)},
            "corpus": {name: len(pieces) for name, pieces in self.by_collection.items()},
            "recordings": pairs and {"pieces": len(pairs.corpus.names), "samples": len(pairs.samples)},
        }

    def _check(self) -> None:
        material = self.material
        if self.stage.sounds and material.bank is None and material.recordings is None:
            raise RequestError("This stage needs audio: prepare a note bank or recordings, or choose --stage rolls.")
        if material.corpus is None and (self.stage.rolls or material.recordings is None or material.bank is not None):
            raise RequestError("There are no notes to train on: prepare a folder of MIDI files.")

    def _roll(self, rng: np.random.Generator) -> WindowPlan:
        """Notes without audio."""
        if self.corpus is None:
            return self._sounding(rng).unheard()
        notes = self._piece(rng).notes
        notes[:, :2] -= LEAD
        return WindowPlan(notes, 0.0)

    def _sounding(self, rng: np.random.Generator) -> WindowPlan:
        if self.pairs is not None and (self.bank is None or rng.random() < self.material.recorded_share):
            return self._recorded(rng, self.pairs)
        assert self.bank is not None
        return self._mixed(rng, self.bank)

    def _recorded(self, rng: np.random.Generator, pairs: Pairs) -> WindowPlan:
        """Cut an excerpt of a recording, with another level and other effects."""
        take = int(rng.choice(self._takes))
        samples, piece = pairs.window(take, self.material.seconds, rng)
        effects = draw_effects(rng, self.material.augmentation)
        pedal, trust = piece.pedal if pairs.has_pedal(take) else None, float(pairs.trust[take])
        return WindowPlan(piece.notes, self._edge(rng), samples=samples, effects=effects, pedal=pedal, trust=trust)

    def _mixed(self, rng: np.random.Generator, bank: Bank) -> WindowPlan:
        """Notes rendered on a piano of the bank."""
        material = self.material
        if rng.random() < material.empty_share:
            unheard = nothing(rng, material.seconds)
            return WindowPlan(np.zeros((0, 4)), material.seconds, samples=unheard, pedal=np.zeros((0, 2)))
        piece = self._piece(rng)
        if self.instruments and rng.random() < material.instrument_share:
            return self._on_instrument(rng, bank, piece)
        touch = self._touch(rng)
        rung = with_pedal(piece.notes, piece.pedal)
        rung = np.concatenate([rung, sympathetic(piece.notes, rung, touch)])
        rung[:, :2] -= LEAD
        voices = voices_of(bank, rung, touch, rng)
        effects = draw_effects(rng, material.augmentation)
        notes = piece.notes.copy()
        notes[:, :2] -= LEAD
        pedal = piece.pedal - LEAD
        noise = beside(rng, material.seconds) if rng.random() < material.beside_share else None
        return WindowPlan(notes, self._edge(rng), voices=voices, samples=noise, effects=effects, pedal=pedal)

    def _on_instrument(self, rng: np.random.Generator, bank: Bank, piece: Piece) -> WindowPlan:
        """Notes on an instrument that is no piano: every one is held as long as its key, and not longer than it can."""
        notes = piece.notes.copy()
        notes[:, :2] -= LEAD
        notes[:, 1] = np.minimum(notes[:, 1], notes[:, 0] + INSTRUMENT_SECONDS)
        touch = PlayedTouch(
            piano=str(rng.choice(self.instruments)),
            dynamic_range=rng.uniform(20, 36),
            detune=rng.triangular(-45, 0, 45),
            release=np.exp(rng.uniform(np.log(0.02), np.log(0.2))),
            undamped_from=HIGH_PITCH + 1,
        )
        voices = voices_of(bank, notes, touch, rng)
        effects = draw_effects(rng, self.material.augmentation)
        return WindowPlan(notes, self._edge(rng), voices=voices, effects=effects, pedal=np.zeros((0, 2)))

    def _edge(self, rng: np.random.Generator) -> float:
        """The time where the audio stops, which may be early."""
        seconds = self.material.seconds
        return rng.uniform(0.3, 1.0) * seconds if rng.random() < self.material.edge_share else seconds

    def _piece(self, rng: np.random.Generator) -> Piece:
        """Notes for a window and its lead-in, made by rules or from the corpus."""
        seconds = self.material.seconds + LEAD
        if rng.random() < self.material.rule_share:
            return by_rule(rng, seconds)
        assert self.corpus is not None
        material = self.material
        name = str(rng.choice(list(self.by_collection)))
        return from_corpus(
            rng,
            seconds,
            self.corpus,
            int(rng.choice(self.by_collection[name])),
            transpose=material.transpose,
            stretch=material.stretch,
            extra_share=material.extra_share,
        )

    def _touch(self, rng: np.random.Generator) -> PlayedTouch:
        return PlayedTouch(
            piano=str(rng.choice(self.pianos)),
            dynamic_range=rng.uniform(28, 40),
            detune=rng.triangular(-45, 0, 45) if rng.random() < 0.7 else 0.0,
            release=np.exp(rng.uniform(np.log(0.03), np.log(0.2))),
            layer_jitter=rng.uniform(0, 6),
            sympathy=rng.uniform(28, 50),
        )


def _pianos(material: Material, bank: Bank) -> tuple[str, ...]:
    named = (*material.pianos, material.unheard) if material.unheard else material.pianos
    if odd := [piano for piano in named if piano not in bank.layers]:
        raise RequestError(
            f"There is no piano {odd[0]!r} in the bank {material.bank}: choose from {', '.join(bank.pianos)}."
        )
    pianos = material.pianos or tuple(p for p in bank.pianos if p != material.unheard and not is_instrument(p))
    if not pianos:
        raise RequestError(f"The only piano of {material.bank} is {material.unheard!r}, which is held back.")
    return pianos


def _takes(material: Material, pairs: Pairs) -> npt.NDArray[np.int64]:
    """The recordings of the split that are at least as long as a window."""
    if not len(found := pairs.longer_than(material.seconds, material.split)):
        raise RequestError(
            f"No recording of the split {material.split!r} is as long as a window of {material.seconds:g} s; "
            "shorten the windows with --seconds, or prepare longer recordings."
        )
    return found


def _collections(material: Material, corpus: Corpus) -> dict[str, npt.NDArray[np.int64]]:
    """The pieces of the split by collection, without those left out."""
    everything = {corpus.collection(index) for index in range(len(corpus.names))}
    if odd := [name for name in material.without if name not in everything]:
        raise RequestError(
            f"There is no collection {odd[0]!r} to leave out; choose from {', '.join(sorted(everything))}."
        )
    found: dict[str, list[int]] = {}
    for index in corpus.pieces(material.split):
        if (name := corpus.collection(index)) not in material.without:
            found.setdefault(name, []).append(index)
    if not found and material.rule_share < 1:
        raise RequestError(f"No piece of {material.corpus} is left in the split {material.split!r}; leave fewer out.")
    return {name: np.array(members) for name, members in sorted(found.items())}
