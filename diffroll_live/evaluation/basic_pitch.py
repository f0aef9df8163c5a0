"""Basic Pitch on the same audio as a model, run by a separate Python so that it is not a dependency."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from diffroll_live.errors import FileMissing, InternalError
from diffroll_live.evaluation import basic_pitch_job
from diffroll_live.evaluation.evaluation import Clip
from diffroll_live.evaluation.scores import Score, score
from diffroll_live.evaluation.store import Row
from diffroll_live.evaluation.transcribing import Hear, TestSet
from diffroll_live.model.roll_targets import NoteArray

DEFAULT = 0.5  # Basic Pitch's default onset threshold
GRID = tuple(n / 20 for n in range(6, 17))
TIMEOUT = 1800.0  # s per set


@dataclass(frozen=True, slots=True)
class Outcome:
    """Basic Pitch's results: for each threshold the notes of every clip; and the real-time factor."""

    notes: dict[float, list[NoteArray]]
    factor: float


def transcribe(python: Path, clips: Iterable[Clip]) -> tuple[Outcome, list[NoteArray]]:
    """Run Basic Pitch on clips with every threshold of the GRID; return its notes and the true ones.

    Raises FileMissing if ``python`` cannot be run, InternalError if it lacks Basic Pitch or fails.
    """
    with tempfile.TemporaryDirectory() as name:
        truths, seconds = [], 0.0
        for number, clip in enumerate(clips):
            path = Path(name) / f"{number:04d}.wav"
            soundfile.write(path, clip.audio.samples, clip.audio.sample_rate, subtype="FLOAT")
            truths.append(clip.notes)
            seconds += clip.audio.seconds
        lines = _run(python, Path(name))
    notes = {th: [np.array(line["notes"][str(th)], np.float64).reshape(-1, 4) for line in lines] for th in GRID}
    return Outcome(notes, sum(float(line["seconds"]) for line in lines) / seconds), truths


def tuned_threshold(outcome: Outcome, truths: list[NoteArray]) -> float:
    """The onset threshold with the best F1 of onsets."""
    return max(GRID, key=lambda threshold: score(outcome.notes[threshold], truths).onset)


def compared(python: Path, chosen: TestSet, threshold: float, say: Callable[[str], None]) -> list[Row]:
    """Score Basic Pitch on a set as shipped, and with the threshold tuned on the validation split."""
    say(chosen.name)
    outcome, truths = transcribe(python, chosen.clips())
    rows = []
    for name, at in (("as it comes", DEFAULT), (f"tuned, {threshold:g}", threshold)):
        found = score(outcome.notes[at], truths, shift=chosen.shift)
        program = {"program": f"Basic Pitch 0.4, {name}", "real_time_factor": outcome.factor}
        rows.append({**_figures(chosen, found), **program})
    return rows


def timed(hear: Hear, chosen: TestSet) -> Row:
    """Score and time a model on a set as ``compared`` does Basic Pitch."""
    estimates, truths, spent, seconds = [], [], 0.0, 0.0
    for clip in chosen.clips():
        begin = time.perf_counter()
        estimates.append(hear(clip.audio))
        spent += time.perf_counter() - begin
        seconds += clip.audio.seconds
        truths.append(clip.notes)
    return {**_figures(chosen, score(estimates, truths, shift=chosen.shift)), "real_time_factor": spent / seconds}


def _figures(chosen: TestSet, found: Score) -> Row:
    return {
        "set": chosen.name,
        "onset": found.onset,
        "onset_offset": found.onset_offset,
        "onset_error": found.onset_error,
    }


def _run(python: Path, folder: Path) -> list[dict[str, Any]]:
    command = [str(python), "-I", basic_pitch_job.__file__, str(folder), *map(str, GRID)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    except OSError as error:
        raise FileMissing(f"{python} cannot be run ({error.strerror}); name a Python that has Basic Pitch.") from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it gave no reason"]
        raise InternalError(
            f"Basic Pitch failed ({last[0]}). Make its environment with: python3.11 -m venv bp && "
            "bp/bin/pip install 'basic-pitch[onnx]==0.4.0' 'setuptools<81'"
        )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"file"')]
