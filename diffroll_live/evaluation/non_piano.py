"""A model on sounds other than piano: notes invented where there are none, and notes of other instruments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from itertools import islice

import numpy as np

from diffroll_live.evaluation.clips import SECONDS, EvaluationSet, excerpts, inside
from diffroll_live.evaluation.other_instruments import PROGRAMS, drums, played
from diffroll_live.evaluation.scores import score
from diffroll_live.evaluation.speech import speech
from diffroll_live.evaluation.store import Row
from diffroll_live.evaluation.transcribing import Hear
from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.types import AudioBuffer

LENGTH = 60.0  # s of a signal without notes
HISS = (-60.0, -40.0, -20.0)  # dBFS
SPEECHES = 3  # of LENGTH each
SEED = 11
EXCERPTS = 6  # per instrument


def invented(hear: Hear, say: Callable[[str], None]) -> list[Row]:
    """Count the notes per minute that are transcribed where there are none. Raises FileMissing without eSpeak NG."""
    rng = np.random.default_rng(SEED)
    hiss = rng.standard_normal(int(LENGTH * SAMPLE_RATE)).astype(np.float32)
    signals = {"silence": [_buffer(np.zeros_like(hiss))]}
    for level in HISS:
        signals[f"hiss at {level:g} dB"] = [_buffer(hiss * np.float32(10 ** (level / 20)))]
    signals["speech"] = [speech(LENGTH, SEED + number) for number in range(SPEECHES)]
    signals["drums"] = [drums(LENGTH, SEED)]
    rows = []
    for name, buffers in signals.items():
        counts = [len(hear(buffer)) * 60 / buffer.seconds for buffer in buffers]
        rows.append({"signal": name, "minutes": len(buffers) * LENGTH / 60, "notes_a_minute": float(np.mean(counts))})
        say(name)
    return rows


def instruments(hear: Hear, stage: EvaluationSet, say: Callable[[str], None]) -> list[Row]:
    """Score the transcription of pieces played by other instruments."""
    pieces = [inside(piece.notes, SECONDS) for piece in islice(excerpts(stage, SECONDS, SEED), EXCERPTS)]
    rows = []
    for name in PROGRAMS:
        estimates, truths = [], []
        for piece in pieces:
            audio, truth = played(piece, name)
            estimates.append(hear(audio))
            truths.append(truth)
            say(name)
        rows.append({"set": name, "clips": len(truths), **asdict(score(estimates, truths))})
    return rows


def _buffer(samples: np.ndarray) -> AudioBuffer:
    return AudioBuffer("signal", samples, SAMPLE_RATE)
