"""What is set once per model, on other clips than those measured: thresholds, and how it scales velocities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from diffroll_live.evaluation.clips import TUNING_SEED, clips
from diffroll_live.evaluation.evaluation import Clip, Decode, heard, tune
from diffroll_live.evaluation.parts import EvaluationSetup
from diffroll_live.evaluation.velocities import fitted, takes, touches
from diffroll_live.model.adapters.compact import CompactAdapter
from diffroll_live.model.decoding import Thresholds
from diffroll_live.training.corpus.pairs import open_pairs

PAIRS = "recordings"  # in the folder of prepared data


@dataclass(frozen=True, slots=True)
class _Tried:
    clip: Clip
    decode: Decode
    is_heard: bool  # on a piano that the model was trained on


def tuned(setup: EvaluationSetup, say: Callable[[str], None]) -> dict[str, object]:
    """Tune thresholds on clips of all pianos, plain and noisy, then fit velocities.

    Velocities are fitted on the clips of heard pianos and, where recordings were prepared for training, on excerpts of
    those. Returns the settings and the scores that the thresholds reach, by name.
    """
    tried = []
    for one in _tried(setup):
        tried.append(one)
        say(f"{len(tried)} clips")
    adapter = setup.engine.adapter
    found = tune([one.decode for one in tried], [one.clip.notes for one in tried])
    thresholds = Thresholds(found.onset_threshold, found.frame_threshold)
    settings: dict[str, object] = {
        "onset_threshold": found.onset_threshold,
        "frame_threshold": found.frame_threshold,
    }
    if isinstance(adapter, CompactAdapter):
        there = (setup.work / PAIRS).with_suffix(".json").is_file()
        real = takes(open_pairs(setup.work / PAIRS), TUNING_SEED, say) if there else []
        pairs = [(one.clip, one.decode) for one in tried if one.is_heard]
        pairs += [(clip, heard(setup.engine, clip.audio, setup.options)) for clip in real]
        fit = fitted(
            [touches(setup.engine, clip, decode(thresholds)) for clip, decode in pairs], adapter.velocity_scale
        )
        settings["velocity_scale"] = [round(each, 3) for each in (fit.height, fit.slope, fit.per_db)]
    return {**settings, "clips": len(tried), **asdict(found.score)}


def _tried(setup: EvaluationSetup) -> Iterator[_Tried]:
    for piano in (*setup.heard, setup.unheard):
        for noisy in (False, True):
            for clip in clips(setup.stage, piano, setup.clips // 2 or 1, noisy=noisy, seed=TUNING_SEED):
                yield _Tried(clip, heard(setup.engine, clip.audio, setup.options), piano != setup.unheard)
