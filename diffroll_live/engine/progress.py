"""The progress of a request: evaluations, streamed notes and timings so far. Its only mutable part."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from torch import Tensor

from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.types import Control, NoteEvent, StreamedNote, Timings

LONGEST_TRAIL = 400  # estimates kept for a trajectory

Stage = Literal["frontend", "sample", "decode"]


class Progress:
    """Counts evaluations and notes, and reports them to a control. ``total`` evaluations are expected."""

    def __init__(self, adapter: ModelAdapter, control: Control, *, keep_trail: bool = False) -> None:
        self._adapter, self._control, self._keep_trail = adapter, control, keep_trail
        self._sent = 0  # notes
        self._seconds: dict[Stage, float] = {"frontend": 0.0, "sample": 0.0, "decode": 0.0}
        self.total, self.done = 0, 0  # evaluations
        self.trail: list[Tensor] = []  # x0 estimates, (n_frames, 88), for a trajectory

    @property
    def is_watched(self) -> bool:
        """Whether every estimate is to be seen."""
        return self._keep_trail

    def evaluated(self, x0: Tensor) -> None:
        """Count an evaluation, x0 (n_windows, ...). Raises errors.Cancelled when the job was cancelled."""
        self.done += 1
        if self._keep_trail and len(self.trail) < LONGEST_TRAIL:
            self.trail.append(self._adapter.probabilities(x0[:1])[0].amax(dim=0).float().cpu())
        self._control.progress(self.done, max(self.total, self.done))

    def grid(self, meter: MeterMap) -> None:
        """Report the bars and beats that are written on."""
        self._control.grid(meter)

    def advanced(self) -> None:
        """Count an evaluation that has no roll to show. Raises errors.Cancelled when the job was cancelled."""
        self.done += 1
        self._control.progress(self.done, max(self.total, self.done))

    def send(self, variation: int, notes: tuple[NoteEvent, ...]) -> None:
        """Stream notes under the next indices."""
        if notes:
            self._control.notes([StreamedNote(self._sent + i, variation, note) for i, note in enumerate(notes)])
            self._sent += len(notes)

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """Add the time spent inside to a stage."""
        begin = time.perf_counter()
        yield
        self.spent(stage, time.perf_counter() - begin)

    def spent(self, stage: Stage, seconds: float) -> None:
        """Add time to a stage."""
        self._seconds[stage] += seconds

    def timings(self, total: float) -> Timings:
        """The seconds spent so far in each stage, and in ``total``."""
        return Timings(**self._seconds, total=total)


class SilentControl:
    """A control that ignores everything."""

    def progress(self, step: int, steps: int) -> None:
        """Ignore."""

    def grid(self, meter: MeterMap) -> None:
        """Ignore."""

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Ignore."""
