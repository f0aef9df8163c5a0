"""How long a fill of two bars takes, from its request to its first new note and to its last, however it is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from diffroll_live.bench.figures import Figure, Progress, Repetitions, Settings, milliseconds
from diffroll_live.bench.material import TEMPO, bars, piece
from diffroll_live.errors import InternalError
from diffroll_live.meter.meter_map import MeterMap, steady_meter
from diffroll_live.music.plan import plan_request
from diffroll_live.picture_types import Estimate
from diffroll_live.types import NoteEvent, Options, Region, Request, StreamedNote

if TYPE_CHECKING:
    from diffroll_live.engine.engine import TorchEngine

MOST_SECONDS, MOST_FIRST_MS = 0.5, 200.0  # on one core
N_BARS, HOLE = 10, (4, 6)  # bars in all, and those that are hidden
WRITERS = (("note-by-note", None), ("thinning", 8), ("thinning", 4))  # and evaluations

Fill = tuple[str, Request]


def fills(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Fill two bars between given notes on a known grid, and between sounds that are new each time."""
    from diffroll_live.engine.loading import load_engine

    engine = load_engine(settings.model, settings.device)
    rounds = Repetitions(settings, progress, total=len(WRITERS) + 1)
    wanted = [(_named(*writer), _between_notes(*writer)) for writer in WRITERS]
    wanted.append(("after hearing what is around", _between_sounds()))
    for name, request in wanted:
        first, whole = zip(*rounds.repeat(partial(_fill, engine, request)), strict=True)
        what = f"a two-bar fill, {name}"
        note = "new audio each time, an estimated grid" if request.audio else "notes given, a known grid, no audio"
        yield Figure(f"{what}: to its first note", "ms", milliseconds(first), MOST_FIRST_MS, note)
        yield Figure(f"{what}: in all", "s", whole, MOST_SECONDS, note)


def _named(sampler: str, steps: int | None) -> str:
    return sampler if steps is None else f"{sampler} in {steps} evaluations"


def _between_notes(sampler: str, steps: int | None) -> Request:
    region, meter = _hole()
    known = tuple(note for note in bars(N_BARS) if not region.onset <= note.onset < region.offset)
    options = Options(sampler=sampler, steps=steps, seconds=N_BARS * 240.0 / TEMPO)
    return Request("fill", "generate", None, (region,), known, options, meter=meter)


def _between_sounds() -> Request:
    region, _ = _hole()
    return Request("fill", "inpaint", piece(N_BARS * 240.0 / TEMPO), (region,))


def _hole() -> tuple[Region, MeterMap]:
    begin, end = (bar * 240.0 / TEMPO for bar in HOLE)
    return Region(begin, end), steady_meter(TEMPO)


def _fill(engine: TorchEngine, request: Request) -> tuple[float, float]:
    """Seconds to the first new note, and in all; nothing is known of earlier requests."""
    engine.forget()
    listener = _Listener(request.regions[0])
    begin = time.perf_counter()
    engine.run(plan_request(request, engine.info.max_seconds), listener)
    seconds = time.perf_counter() - begin
    if listener.first is None:
        raise InternalError("The model writes no notes into the benchmark's fill; measure with another model.")
    return listener.first - begin, seconds


@dataclass(slots=True)
class _Listener:
    """A control that notes when the first note of a region comes."""

    region: Region
    first: float | None = field(default=None)

    def progress(self, step: int, steps: int) -> None:
        """Ignore."""

    def estimate(self, estimate: Estimate) -> None:
        """Ignore."""

    def grid(self, meter: MeterMap) -> None:
        """Ignore."""

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Look for one in the region."""
        if self.first is None and any(self._is_new(item.note) for item in notes):
            self.first = time.perf_counter()

    def _is_new(self, note: NoteEvent) -> bool:
        return self.region.onset <= note.onset < self.region.offset
