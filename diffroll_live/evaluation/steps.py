"""Accuracy and time by number of steps, to see whether more evaluations are worth it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.evaluation.evaluation import Clip, answer
from diffroll_live.evaluation.scores import score
from diffroll_live.evaluation.store import Row
from diffroll_live.model.roll_targets import to_array
from diffroll_live.types import Options, Request


@dataclass(frozen=True, slots=True)
class SamplerChoice:
    """A sampler and its number of network evaluations."""

    sampler: str
    steps: int


WAYS = (*(SamplerChoice("ddim", steps) for steps in (1, 2, 4, 8, 16)), SamplerChoice("ddpm", 200))


def speed_and_accuracy(
    engine: TorchEngine, clips: Sequence[Clip], options: Options, way: SamplerChoice, say: Callable[[str], None]
) -> Row:
    """Score and time one sampler; milliseconds are for 10 s of audio, all stages included."""
    estimates, spent, audio_seconds = [], 0.0, 0.0
    chosen = replace(options, sampler=way.sampler, steps=way.steps)
    for number, clip in enumerate(clips):
        result = answer(engine, Request("steps", "transcribe", clip.audio, options=chosen))
        estimates.append(to_array(result.variations[0]))
        spent, audio_seconds = spent + result.timings.total, audio_seconds + clip.audio.seconds
        engine.forget()
        say(f"{way.sampler} {way.steps}: {number + 1} clips")
    figures = score(estimates, [clip.notes for clip in clips])
    return {
        "sampler": way.sampler.upper(),
        "steps": way.steps,
        "clips": len(clips),
        "onset": figures.onset,
        "onset_offset": figures.onset_offset,
        "milliseconds": 10_000 * spent / audio_seconds,
    }
