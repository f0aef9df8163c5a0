"""The transcription table: pianos heard in training, one that was not, rooms with noise, real recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from diffroll_live import PACKAGE_FOLDER
from diffroll_live.evaluation.clips import EvaluationSet, clips
from diffroll_live.evaluation.evaluation import Clip, recorded
from diffroll_live.evaluation.scores import score
from diffroll_live.evaluation.store import Row
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.types import AudioBuffer

EXAMPLES = PACKAGE_FOLDER.parent / "examples"  # has the clip of the demo, where the program is run from its sources
RECORDINGS = "real recordings, shifted"

Hear = Callable[[AudioBuffer], NoteArray]
"""Audio to rows (onset s, offset s, pitch, velocity): a model, or another program."""


@dataclass(frozen=True, slots=True)
class TestSet:
    """Clips under a name; ``clips`` makes them on each call. ``shift``: their labels may be late or early."""

    name: str
    clips: Callable[[], Iterable[Clip]]
    shift: bool = False


def test_sets(
    stage: EvaluationSet, heard: tuple[str, ...], unheard: str, count: int, recordings: Path | None
) -> list[TestSet]:
    """The sets of the table: pianos heard in training, one that was not, rooms with noise, and recordings if given."""
    sets = []
    for noisy, circumstances in ((False, ""), (True, ", room and noise at 20 dB")):
        sets.append(TestSet(f"heard pianos{circumstances}", partial(_all, stage, heard, count, noisy)))
        sets.append(TestSet(f"unheard piano{circumstances}", partial(clips, stage, unheard, count, noisy=noisy)))
    sets.append(TestSet("unheard piano, pedal held down", partial(clips, stage, unheard, count, heavy=True)))
    if EXAMPLES.is_dir():
        sets.append(TestSet("the demo clip", partial(recorded, EXAMPLES)))
    if recordings is not None:
        sets.append(TestSet(RECORDINGS, partial(recorded, recordings), shift=True))
    return sets


def transcription(hear: Hear, chosen: TestSet, say: Callable[[str], None]) -> Row:
    """Score the transcription of a set. ``velocity_constant`` is the error of always guessing the set's median."""
    estimates, truths = [], []
    for clip in chosen.clips():
        estimates.append(hear(clip.audio))
        truths.append(clip.notes)
        say(f"{chosen.name}: {len(truths)} clips")
    velocity = np.concatenate(truths)[:, 3]
    constant = float(np.mean(np.abs(velocity - np.median(velocity)))) if len(velocity) else None
    figures = asdict(score(estimates, truths, shift=chosen.shift))
    return {"set": chosen.name, "clips": len(truths), **figures, "velocity_constant": constant}


def _all(stage: EvaluationSet, pianos: tuple[str, ...], count: int, noisy: bool) -> Iterator[Clip]:
    for piano in pianos:
        yield from clips(stage, piano, count, noisy=noisy)
