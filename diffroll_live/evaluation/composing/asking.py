"""A hole as a request to the program, and its answer in ticks: the whole path that a user's request takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.progress import SilentControl
from diffroll_live.evaluation.composing.holes import Hole
from diffroll_live.evaluation.composing.playing import Playing, as_played, as_written
from diffroll_live.model.roll_targets import NoteArray, to_array, to_notes
from diffroll_live.music.plan import plan_request
from diffroll_live.music.regions import holds
from diffroll_live.types import AudioBuffer, Options, Region, Request, StreamedNote

RATE = 16_000  # Hz, of the silence that says where the music to be continued ends
EARLY = 0.015  # s before its bar lines that a region of played music begins and ends, as notes may


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows (onset, offset, pitch, velocity) in ticks, the seconds that they took, and those to the first of them."""

    rows: NoteArray
    seconds: float
    first: float | None  # None where nothing was written


def playing_of(hole: Hole) -> Playing:
    """How the excerpt of a hole sounds."""
    return as_written(hole.excerpt) if hole.kind.told else as_played(hole.excerpt, hole.seed)


def request_of(hole: Hole, playing: Playing, options: Options) -> Request:
    """Ask for a hole, given the notes around it, and the bars and beats if its kind is told them."""
    task, early = hole.kind.task, 0.0 if hole.kind.told else EARLY
    begin, end = playing.seconds(hole.begin) - early, playing.seconds(hole.end) - early
    known = to_notes(playing.given(hole.excerpt)[~hole.holds(hole.excerpt.notes)])
    silence = np.zeros(int(np.ceil(begin * RATE)) if task == "continue" else 0, np.float32)
    return Request(
        "hole",
        task,
        AudioBuffer("", silence, RATE) if len(silence) else None,
        (Region(begin, end, hole.low, hole.high),) if task == "inpaint" else (),
        known,
        replace(options, seed=hole.seed, seconds=end - begin),
        meter=playing.meter if hole.kind.told else None,
    )


def ask(engine: TorchEngine, hole: Hole, options: Options) -> Answer:
    """Let the program fill a hole."""
    playing = playing_of(hole)
    plan = plan_request(request_of(hole, playing, options), engine.info.max_seconds)
    (region,) = plan.regions
    clock = _Clock(region)
    result = engine.run(plan, clock)
    seconds = time.perf_counter() - clock.begin
    engine.forget()
    written = [note for note in result.variations[0] if holds(region, note) and note not in plan.kept]
    return Answer(playing.ticks(to_array(written)), seconds, clock.first)


class _Clock(SilentControl):
    """Notes when the first note of a region comes."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self.begin = time.perf_counter()
        self.first: float | None = None

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Look whether one of these is written."""
        if self.first is None and any(holds(self._region, streamed.note) for streamed in notes):
            self.first = time.perf_counter() - self.begin
