"""A model's ear for the sustain pedal, on clips rendered with one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.evaluation.clips import SECONDS, EvaluationSet, clips
from diffroll_live.evaluation.evaluation import answer
from diffroll_live.evaluation.scores import require_mir_eval
from diffroll_live.evaluation.store import Row
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.types import Options, Request

WITHIN = 0.2  # s
STEP = 0.02  # s


def rows(
    engine: TorchEngine,
    stage: EvaluationSet,
    pianos: Iterable[str],
    count: int,
    options: Options,
    say: Callable[[str], None],
) -> list[Row]:
    """Score the pedal on each piano."""
    out = []
    for piano in pianos:
        scores = []
        for number, clip in enumerate(clips(stage, piano, count, changing=True), 1):
            result = answer(engine, Request("evaluation", "transcribe", clip.audio, options=options))
            heard = np.array([(span.down, span.up) for span in result.pedal]).reshape(-1, 2)
            scores.append(pedal_score(heard, clip.pedal if clip.pedal is not None else heard[:0]))
            say(f"pedal, {piano}: {number} clips")
        means = {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}
        out.append({"set": piano, **means})
    return out


def pedal_score(heard: NoteArray, truth: NoteArray) -> dict[str, float]:
    """Compare spans (down s, up s) of a clip; one without a pedal is told rightly where none is heard."""
    hits = len(require_mir_eval().util.match_events(truth[:, 0], heard[:, 0], WITHIN)) if len(truth) else 0
    if not len(heard) and not len(truth):
        onset = precision = recall = 1.0
    else:
        onset = 2 * hits / (len(heard) + len(truth))
        precision, recall = hits / max(len(heard), 1), hits / max(len(truth), 1)
    right = float(np.mean(_state(heard) == _state(truth)))
    return {"onset": onset, "precision": precision, "recall": recall, "right": right}


def _state(spans: NoteArray) -> npt.NDArray[np.bool_]:
    """Whether the pedal is down, every STEP of a clip."""
    at = np.arange(0.0, SECONDS, STEP)
    return np.asarray(((spans[:, :1] <= at) & (at < spans[:, 1:2])).any(axis=0))
