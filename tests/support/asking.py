"""What tests of an engine share: something that listens to a request, and sounds to ask about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from diffroll_live.errors import Cancelled
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.music.plan import plan_request
from diffroll_live.picture_types import Estimate
from diffroll_live.turn_types import alone
from diffroll_live.types import (
    AudioBuffer,
    Control,
    Engine,
    NoteEvent,
    Region,
    Request,
    RequestPlan,
    Result,
    StreamedNote,
)


class Listener:
    """A control that writes everything down, and cancels at the ``cancel_at``-th report of progress."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.cancel_at = cancel_at
        self.reports: list[tuple[int, int]] = []
        self.streamed: list[StreamedNote] = []
        self.grids: list[MeterMap] = []
        self.notes_before_grid = 0
        self.estimates: list[Estimate] = []

    def progress(self, step: int, steps: int) -> None:
        self.reports.append((step, steps))
        if len(self.reports) == self.cancel_at:
            raise Cancelled("The test cancelled.")

    def estimate(self, estimate: Estimate) -> None:
        self.estimates.append(estimate)

    def grid(self, meter: MeterMap) -> None:
        self.grids.append(meter)
        self.notes_before_grid = len(self.streamed)

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        self.streamed.extend(notes)

    def variations(self, count: int) -> tuple[tuple[NoteEvent, ...], ...]:
        """The notes as they stand after all replacements, sorted, a tuple a variation."""
        by_index = {note.index: note for note in self.streamed}
        found: dict[int, list[NoteEvent]] = defaultdict(list)
        for note in by_index.values():
            found[note.variation].append(note.note)
        return tuple(tuple(sorted(found[variation])) for variation in range(count))


def planned(request: Request, max_seconds: float = 1800.0) -> RequestPlan:
    """The plan of a request for a model that takes ``max_seconds`` of audio."""
    return plan_request(request, max_seconds)


def ask(engine: Engine, request: Request, control: Control | None = None) -> Result:
    """Have an engine answer a request, planned as the daemon and the command line plan it."""
    return alone(engine, engine.answer(planned(request, engine.info.max_seconds), control or Listener()))


def rounded(notes: Iterable[NoteEvent]) -> list[tuple[float, float, int, int]]:
    """What is left of notes where OSC has carried their times as 32-bit floats."""
    return [(round(note.onset, 4), round(note.offset, 4), note.pitch, note.velocity) for note in notes]


def noise(seconds: float, rate: int = 16_000, level: float = 0.1, seed: int = 0) -> AudioBuffer:
    """White noise of ``level`` root mean square."""
    samples = np.random.default_rng(seed).standard_normal(int(seconds * rate)) * level
    return AudioBuffer("noise", samples.astype(np.float32), rate)


def silence(seconds: float, rate: int = 16_000) -> AudioBuffer:
    """Nothing at all."""
    return AudioBuffer("silence", np.zeros(int(seconds * rate), np.float32), rate)


def assert_near(got: Result, wanted: Result) -> None:
    """The same notes but for the last bits, which depend on how many windows are multiplied at once."""
    for here, there in zip(got.variations, wanted.variations, strict=True):
        rows, others = (np.array([(n.pitch, n.onset, n.offset, n.velocity) for n in sorted(v)]) for v in (here, there))
        assert rows.shape == others.shape
        np.testing.assert_allclose(rows, others, atol=1e-3)


def changed(request: Request, **options: object) -> Request:
    return replace(request, options=replace(request.options, **options))


def inside(note: NoteEvent, region: Region) -> bool:
    return region.onset <= note.onset < region.offset and region.low <= note.pitch <= region.high
