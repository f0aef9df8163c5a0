"""The progress of a request: evaluations, streamed notes, its trajectory and timings. Its only mutable part."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from torch import Tensor

from diffroll_live.engine.trail import Trail
from diffroll_live.engine.windows import Window
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.picture_types import Estimate
from diffroll_live.types import Control, NoteEvent, StreamedNote, Timings

Stage = Literal["frontend", "sample", "decode"]


class Progress:
    """Counts evaluations and notes, and reports them to a control. ``total`` evaluations are expected."""

    def __init__(self, adapter: ModelAdapter, control: Control) -> None:
        self._adapter, self._control = adapter, control
        self._sent = 0  # notes
        self._seconds: dict[Stage, float] = {"frontend": 0.0, "sample": 0.0, "decode": 0.0}
        self.total, self.done = 0, 0  # evaluations
        self.trail: Trail | None = None

    def follow(self, n_frames: int, kept: Sequence[NoteEvent]) -> None:
        """Report and keep the trajectory from now on, on a roll of ``n_frames`` with the notes that are kept."""
        self.trail = Trail(self._control, self._adapter.geometry, n_frames)
        self.trail.wrote(kept)

    @property
    def is_watched(self) -> bool:
        """Whether every estimate is to be seen."""
        return self.trail is not None

    def evaluated(self, windows: Sequence[Window], x0: Tensor) -> None:
        """Count an evaluation of windows that are to be seen. Raises errors.Cancelled when the job was cancelled."""
        self.advanced()
        if self.trail is not None:
            self.trail.estimated(windows, self._adapter.probabilities(x0))

    def grid(self, meter: MeterMap) -> None:
        """Report the bars and beats that are written on."""
        self._control.grid(meter)

    def advanced(self) -> None:
        """Count an evaluation that shows nothing. Raises errors.Cancelled when the job was cancelled."""
        self.done += 1
        self._control.progress(self.done, max(self.total, self.done))

    def check(self) -> None:
        """Report nothing new. Raises errors.Cancelled when the job was cancelled."""
        self._control.progress(self.done, max(self.total, self.done))

    def send(self, variation: int, notes: tuple[NoteEvent, ...]) -> None:
        """Stream notes under the next indices."""
        if notes:
            self._control.notes([StreamedNote(self._sent + i, variation, note) for i, note in enumerate(notes)])
            self._sent += len(notes)

    def wrote(self, variation: int, notes: tuple[NoteEvent, ...]) -> None:
        """Stream notes that were written rather than heard, and draw those of the first variation."""
        if self.trail is not None and variation == 0:
            self.trail.wrote(notes)
        self.send(variation, notes)

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

    def estimate(self, estimate: Estimate) -> None:
        """Ignore."""

    def grid(self, meter: MeterMap) -> None:
        """Ignore."""

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Ignore."""
