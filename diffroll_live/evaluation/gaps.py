"""Music with a gap, to be filled by a model or a baseline and compared with what was composed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from diffroll_live.evaluation.clips import EvaluationSet, excerpts
from diffroll_live.model.roll_targets import NoteArray, to_notes
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.training.synthesis.mixer import PlayedTouch, mix, with_pedal
from diffroll_live.types import AudioBuffer, Options, Region, Request

BEFORE, AFTER = 10.0, 8.0  # s of music around a gap
NEAR = 5.0  # s on both sides that count as context
FEWEST = 10  # notes of context needed for a continuation
SHORTEST, LONGEST = 0.5, 4.0  # s of a gap
TO_COME = 10.0  # s of a continuation or a generation
BAND = 24  # semitones
SEED = 21

#: The kinds of gap, and the task for each.
KINDS: dict[str, str] = {
    "gap, audio around": "inpaint",
    "gap, only notes around": "inpaint",
    "band of two octaves": "inpaint",
    "continuation": "continue",
    "generation": "generate",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """One task: ``inside`` was composed in the region, ``around`` in the seconds next to it; both are rows of notes."""

    request: Request
    region: Region
    inside: NoteArray
    around: NoteArray


def gaps(stage: EvaluationSet, piano: str, kind: str, count: int, seed: int = SEED) -> Iterator[Gap]:
    """Draw ``count`` gaps of a kind, the same ones each time; gaps last 0.5 to 4 s, log-uniformly."""
    found = 0
    for number, piece in enumerate(excerpts(stage, BEFORE + LONGEST + AFTER, seed + list(KINDS).index(kind))):
        rng = np.random.default_rng([seed, number])
        gap = _gap(kind, piece.notes, rng)
        if kind != "generation" and len(gap.around) < FEWEST:
            continue
        if gap.request.audio is not None and kind != "gap, only notes around":
            touch = PlayedTouch(piano, 33.0, 0.0, 0.08)
            sound = mix(stage.bank, with_pedal(piece.notes, piece.pedal), gap.request.audio.seconds, touch, rng)
            audio = AudioBuffer("gap", np.clip(sound, -1, 1).astype(np.float32), SAMPLE_RATE)
            gap = replace(gap, request=replace(gap.request, audio=audio))
        yield gap
        found += 1
        if found == count:
            return


def _gap(kind: str, notes: NoteArray, rng: np.random.Generator) -> Gap:
    """A gap without its audio yet."""
    task = KINDS[kind]
    options = Options(seconds=TO_COME, seed=int(rng.integers(2**31)))
    if task == "generate":
        region = Region(0.0, TO_COME)
        return Gap(Request("gap", "generate", None, options=options), region, within(notes, region), notes[:0])
    if task == "continue":
        region = Region(BEFORE, BEFORE + TO_COME)
        request = Request("gap", "continue", _silence(BEFORE), options=options)
        return Gap(request, region, within(notes, region), _between(notes, BEFORE - 2 * NEAR, BEFORE))
    seconds = float(np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST))))
    region = Region(BEFORE, BEFORE + seconds)
    around = np.concatenate(
        [_between(notes, BEFORE - NEAR, BEFORE), _between(notes, region.offset, region.offset + NEAR)]
    )
    if kind == "band of two octaves" and len(around):
        low = int(np.clip(np.median(around[:, 2]) + rng.integers(-18, 6), LOW_PITCH, HIGH_PITCH - BAND))
        region = replace(region, low=low, high=low + BAND - 1)
    inside = within(notes, region)
    known = to_notes(_outside(notes, region)) if kind == "gap, only notes around" else ()
    request = Request("gap", "inpaint", _silence(BEFORE + LONGEST + AFTER), (region,), known, options)
    return Gap(request, region, inside, around)


def within(notes: NoteArray, region: Region) -> NoteArray:
    """The notes that begin in a region, cut at its end like those of a model."""
    found = _between(notes, region.onset, region.offset)
    found = found[(found[:, 2] >= region.low) & (found[:, 2] <= region.high)]
    found[:, 1] = np.minimum(found[:, 1], region.offset)
    return found


def _between(notes: NoteArray, begin: float, end: float) -> NoteArray:
    return notes[(notes[:, 0] >= begin) & (notes[:, 0] < end)].copy()


def _outside(notes: NoteArray, region: Region) -> NoteArray:
    begins = (notes[:, 0] >= region.onset) & (notes[:, 0] < region.offset)
    return notes[(notes[:, 0] >= 0) & ~begins & (notes[:, 0] < BEFORE + LONGEST + AFTER)]


def _silence(seconds: float) -> AudioBuffer:
    return AudioBuffer("gap", np.zeros(int(seconds * SAMPLE_RATE), np.float32), SAMPLE_RATE)
