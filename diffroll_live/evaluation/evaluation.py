"""Evaluation on rendered clips of unseen pieces and on real recordings, and the tuning of thresholds."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.features import Recording
from diffroll_live.engine.plan import plan_for_model
from diffroll_live.engine.progress import Progress, SilentControl
from diffroll_live.engine.transcription import decode_span, region_windows, transcribe
from diffroll_live.errors import FileError, FileMissing
from diffroll_live.evaluation.scores import Score, score
from diffroll_live.files.audio_file import read_audio
from diffroll_live.model.decoding import Thresholds
from diffroll_live.model.roll_targets import NoteArray, to_array
from diffroll_live.music.plan import plan_request
from diffroll_live.music.regions import fit
from diffroll_live.training.examples.windows import Material, WindowMaker
from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.turn_types import alone
from diffroll_live.types import AudioBuffer, Options, Request, Result

CLIP_SECONDS = 20.48
EVALUATION_SEED, TUNING_SEED = 7, 8  # thresholds are tuned on other clips than those reported
ABOUT_AS_GOOD = 0.002  # of F1
GRID = tuple(n / 20 for n in range(2, 18))  # candidate thresholds

Decode = Callable[[Thresholds], NoteArray]
"""Decodes the notes of a clip that was transcribed once, with any thresholds."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Audio and its true notes, as rows (onset s, offset s, pitch, velocity), and where it is known its pedal.

    pedal: rows (down s, up s).
    """

    name: str
    audio: AudioBuffer
    notes: NoteArray
    pedal: NoteArray | None = None


@dataclass(frozen=True, slots=True)
class Tuned:
    """The thresholds with the best F1, and their scores."""

    onset_threshold: float
    frame_threshold: float
    score: Score


def rendered(
    material: Material, piano: str, n_clips: int, *, augmentation: float, seed: int = EVALUATION_SEED
) -> Iterator[Clip]:
    """Render clips of 20.48 s of the validation split on one piano. Raises RequestError without it or the split."""
    plain = _plain(material, (piano,), augmentation)
    maker = WindowMaker(plain)
    for number in range(n_clips):
        window = maker.window(seed, number)
        inside = window.notes[(window.notes[:, 0] >= 0) & (window.notes[:, 0] < plain.seconds)]
        yield Clip(f"{piano}-{number}", AudioBuffer("clip", window.samples, SAMPLE_RATE), inside)


def _plain(material: Material, pianos: tuple[str, ...], augmentation: float) -> Material:
    """The validation split, unmodified."""
    return replace(
        material,
        split="valid",
        pianos=pianos,
        rule_share=0.0,
        empty_share=0.0,
        edge_share=0.0,
        extra_share=0.0,
        instrument_share=0.0,
        beside_share=0.0,
        transpose=0,
        stretch=1.0,
        augmentation=augmentation,
        seconds=CLIP_SECONDS,
    )


def recorded(folder: Path) -> Iterator[Clip]:
    """Read the FLAC files of a folder, each with a CSV of its notes: onset s, offset s, pitch, velocity.

    Raises FileMissing, FileError or AudioError.
    """
    paths = sorted(folder.glob("*.flac"))
    if not paths:
        raise FileMissing(f"There are no FLAC files in {folder}.")
    for path in paths:
        yield Clip(path.stem, read_audio(path), _labels(path.with_suffix(".csv")))


def _labels(path: Path) -> NoteArray:
    if not path.is_file():
        raise FileMissing(f"{path}, with the notes of the recording beside it, does not exist.")
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            rows = np.array([row[:4] for row in list(csv.reader(handle))[1:] if row], np.float64).reshape(-1, 4)
    except (OSError, ValueError, csv.Error) as error:
        raise FileError(f"{path} must hold notes in four columns of numbers ({error}).") from error
    if not (np.isfinite(rows).all() and (rows[:, 0] >= 0).all() and (rows[:, 1] >= rows[:, 0]).all()):
        raise FileError(f"{path} has a note that begins before 0 or ends before it begins; correct it.")
    return rows


def transcribed(engine: TorchEngine, audio: AudioBuffer, options: Options) -> NoteArray:
    """Transcribe with an engine, as any request would; rows as in a clip."""
    return to_array(answer(engine, Request("evaluation", "transcribe", audio, options=options)).variations[0])


def answer(engine: TorchEngine, request: Request) -> Result:
    """Run a request, ignoring its progress."""
    return engine.run(plan_request(request, engine.info.max_seconds), SilentControl())


@torch.inference_mode()
def heard(engine: TorchEngine, audio: AudioBuffer, options: Options) -> Decode:
    """Transcribe audio once, to decode it with many thresholds."""
    adapter, defaults = engine.adapter, engine.defaults
    request = plan_request(Request("evaluation", "transcribe", audio, options=options), engine.info.max_seconds)
    recording = Recording(audio, adapter, defaults.gate)
    plan = plan_for_model(request, adapter, defaults, recording.n_frames, composes=False)
    progress = Progress(adapter, SilentControl())
    _, spans = alone(engine, transcribe(plan, recording, progress, region_windows(plan), None))

    @torch.inference_mode()
    def decode(thresholds: Thresholds) -> NoteArray:
        notes = (note for span in spans for note in decode_span(adapter, span, 0, thresholds))
        return to_array(fit(notes, request.regions, (), thresholds.min_note))

    return decode


def tune(decoders: Sequence[Decode], truths: Sequence[NoteArray]) -> Tuned:
    """Choose the onset threshold by the F1 of onsets, then the frame threshold by the F1 of onsets with offsets.

    Of onset thresholds that are about as good, the highest: a note that is invented is heard sooner than one that is
    missed. Of equally good frame thresholds, the middle one.
    """

    def at(onset: float, frame: float) -> Score:
        return score([decode(Thresholds(onset, frame)) for decode in decoders], truths)

    onset = _best([at(value, Thresholds().frame).onset for value in GRID], ABOUT_AS_GOOD)[-1]
    frames = _best([at(onset, value).onset_offset for value in GRID], 0.0)
    frame = frames[len(frames) // 2]
    return Tuned(onset, frame, at(onset, frame))


def _best(scores: Sequence[float], within: float) -> list[float]:
    return [value for value, reached in zip(GRID, scores, strict=True) if reached >= max(scores) - within]
