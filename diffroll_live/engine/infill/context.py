"""The music around infilled regions, transcribed before anything is written; its notes are not part of the result.

As much is read as whole windows hold, since half a window takes as long. What was read of a recording is remembered, so
that the next variation of a fill hears nothing twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from diffroll_live.engine.features import Recording
from diffroll_live.engine.plan import EnginePlan
from diffroll_live.engine.progress import Progress
from diffroll_live.engine.region_cells import covered_frames, marked_spans
from diffroll_live.engine.transcription import PosteriorSpan, sample, windows_over
from diffroll_live.engine.window_asks import Audible, WindowConditions
from diffroll_live.engine.windows import Window
from diffroll_live.model.decoding import Posterior, join
from diffroll_live.model.roll_targets import NoteArray, to_array, to_notes
from diffroll_live.model.transfers import to_device
from diffroll_live.music.regions import kept
from diffroll_live.turn_types import Paused

USUAL_VELOCITY = 70.0  # of the training pieces, towards which transcribed velocities regress, and
HEDGED = 2.0  # the factor by which the mean of a passage differs less from it than the played mean
HEDGED_WITHIN = 1.4  # the factor by which the velocities of a passage differ less from their mean


class Span(NamedTuple):
    """From ``begin`` to ``end``, in seconds."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the music around regions.

    notes: rows (onset s, offset s, pitch, velocity), sorted. spans: where the music was looked at, in order, regions
    within it included; infinite where there is no more of it. sampled: what was transcribed for it.
    """

    notes: NoteArray
    spans: tuple[Span, ...] = ()
    sampled: tuple[PosteriorSpan, ...] = ()


def given_surroundings(plan: EnginePlan) -> Surroundings:
    """The notes that the user has."""
    return Surroundings(to_array(plan.request.kept), (Span(-math.inf, math.inf),))


class Reading:
    """Reads the music around the infilled regions of a plan, unless the user has given its notes.

    The inside of a region is left out, unless some of its pitches are audible.
    """

    def __init__(self, plan: EnginePlan) -> None:
        self._plan = plan
        self._around = _around(plan)
        self._covered = covered_frames(plan.adapter.geometry, plan.infilled, plan.n_frames)
        self._windows = windows_over(plan, marked_spans(self._around & ~self._covered))

    def evaluations(self, recording: Recording) -> int:
        """How many evaluations it still takes."""
        missing = sum(self._key(window) not in recording.heard for span in self._windows for window in span)
        return missing * self._plan.context_sampling.steps

    def read(self, recording: Recording, progress: Progress) -> Paused[Surroundings]:
        """Transcribe what was not read before, and give all of it."""
        plan, rate = self._plan, self._plan.adapter.geometry.frame_rate
        found, sampled = [np.zeros((0, 4))], []
        for span in self._windows:
            parts: dict[Window, Posterior] = {}
            for window in span:
                parts[window] = yield from self._posterior(window, recording, progress)
            posterior = join(list(parts.values()))
            sampled.append(PosteriorSpan(span[0].first, (posterior,)))
            rows = plan.adapter.decode(posterior, plan.thresholds)
            rows[:, :2] += span[0].first / rate
            found.append(rows)
        notes = as_played(to_array(kept(to_notes(np.concatenate(found)), plan.request.regions)))
        return Surroundings(notes, tuple(self._spans()), tuple(sampled))

    def _spans(self) -> Iterator[Span]:
        rate = self._plan.adapter.geometry.frame_rate
        for first, last in marked_spans(self._around):
            yield Span(first / rate if first else -math.inf, last / rate if last < len(self._around) else math.inf)

    def _posterior(self, window: Window, recording: Recording, progress: Progress) -> Paused[Posterior]:
        found = recording.heard.find(self._key(window))
        if found is None:
            conditions = WindowConditions(self._plan.context_sampling, audible=self._audible())
            (found,) = yield from sample(self._plan, recording, progress, [window], conditions)
            recording.heard.keep(self._key(window), found)
        return found

    def _key(self, window: Window) -> tuple[object, ...]:
        """What the posterior of a window depends on."""
        inside = slice(max(window.begin, 0), window.begin + self._plan.adapter.window_frames)
        return window, self._plan.context_sampling, self._covered[inside].tobytes()

    def _audible(self) -> Audible:
        cells = to_device(~self._covered, self._plan.adapter.device)[None].float()
        return Audible(cells, ~self._covered)


def _around(plan: EnginePlan) -> npt.NDArray[np.bool_]:
    """Mark the frames of infilled regions and as many around them as are read: (n_frames,) bool."""
    around = np.zeros(plan.n_frames, bool)
    for first, last in _reaches(plan):
        around[first:last] = True
    return around


def _reaches(plan: EnginePlan) -> Iterator[tuple[int, int]]:
    """The frames of each region with whole windows on both sides; a window at an end of the audio needs no margin."""
    if plan.request.kept:
        return
    adapter = plan.adapter
    side = plan.context_windows * (adapter.window_frames - 2 * adapter.margin_frames)
    for region in plan.infilled:
        first = adapter.geometry.frame(region.onset) - side
        last = adapter.geometry.frame(region.offset) + side
        at_begin, at_end = first <= adapter.margin_frames, last >= plan.n_frames - adapter.margin_frames
        yield 0 if at_begin else first, plan.n_frames if at_end else last


def as_played(rows: NoteArray) -> NoteArray:
    """Spread transcribed velocities as widely as played ones, since each estimate regresses to a mean."""
    if len(rows):
        mean = rows[:, 3].mean()
        spread = HEDGED * (mean - USUAL_VELOCITY) + HEDGED_WITHIN * (rows[:, 3] - mean)
        rows[:, 3] = np.clip(np.rint(USUAL_VELOCITY + spread), 1, 127)
    return rows
