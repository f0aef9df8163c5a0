"""A request being worked on: what it asks, what was heard, how far it is, and how it talks back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from diffroll_live.engine.features import Recording, silence
from diffroll_live.engine.windowed_sampling import Sampling
from diffroll_live.errors import RequestError
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.decoding import Thresholds
from diffroll_live.model.samplers import SAMPLERS
from diffroll_live.types import QUALITIES, Control, NoteEvent, Options, Region, Request, StreamedNote, Timings

LONGEST_TRAIL = 400  # estimates that are kept for a trajectory


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a model does unless it is told otherwise; stored with its weights."""

    onset_threshold: float = 0.5
    frame_threshold: float = 0.5
    gate: float = -65.0  # dB of full scale below which nothing is heard
    sampler: str = "ddim"
    guidance: float = 0.0
    density: float = 1.0  # factor that brings what it writes to the number of notes that composers write
    reading_steps: tuple[int, int, int] = (1, 2, 4)  # evaluations a window, by quality: draft, live, best
    writing_steps: tuple[int, int, int] = (1, 1, 2)  # evaluations a block
    batch: int = 4  # windows at a time


@dataclass(slots=True)
class Work:
    """One running request.

    recording: what may be heard, no frames where there is nothing. hidden: (n_readable, 88) bool, the cells that a
    voice fills as it reads, which may reach beyond the recording; None is no cell. audible: (88, n_readable or more)
    of 0 and 1, where the recording may be heard; None is everywhere.
    """

    request: Request
    control: Control
    adapter: ModelAdapter
    defaults: Defaults
    regions: tuple[Region, ...]
    keep: tuple[NoteEvent, ...]
    recording: Recording
    hidden: Tensor | None = None
    audible: Tensor | None = None
    total: int = 0  # evaluations to do
    done: int = 0
    sent: int = 0  # notes
    seconds: dict[str, float] = field(default_factory=dict)
    trail: list[Tensor] = field(default_factory=list)  # of x0 estimates, (n_frames, 88), for a trajectory

    @property
    def options(self) -> Options:
        """The options of the request."""
        return self.request.options

    @property
    def n_frames(self) -> int:
        """Frames of audio."""
        return self.recording.n_frames

    @property
    def n_readable(self) -> int:
        """Frames that can be read."""
        return self.n_frames if self.hidden is None else int(self.hidden.shape[0])

    def believable(self, first: int, last: int) -> Tensor:
        """Where onsets can be in frames [first, last): where it is loud, or hidden; (n_frames, 1 or 88) bool."""
        loud = self.recording.loud(first, last)
        if self.hidden is None:
            return loud
        return torch.nn.functional.pad(loud, (0, 0, 0, last - first - len(loud))) | self.hidden[first:last]

    def thresholds(self) -> Thresholds:
        """The request's thresholds, or the model's."""
        onset = self.options.threshold if self.options.threshold is not None else self.defaults.onset_threshold
        return Thresholds(onset, self.defaults.frame_threshold, self.options.min_note)

    def sampling(self, steps_by_quality: tuple[int, int, int]) -> Sampling:
        """How to sample. Raises RequestError for a sampler that does not exist."""
        name = self.options.sampler or self.defaults.sampler
        if name not in SAMPLERS:
            raise RequestError(f"There is no sampler {name!r}; choose one of {', '.join(SAMPLERS)}.")
        steps = self.options.steps or steps_by_quality[QUALITIES.index(self.options.quality)]
        guidance = self.options.guidance if self.options.guidance is not None else self.defaults.guidance
        return Sampling(SAMPLERS[name], steps, guidance, self.options.seed)

    def evaluated(self, _step: int, _steps: int, x0: Tensor) -> None:
        """Count an evaluation. Raises Cancelled when the job was cancelled."""
        self.done += 1
        if "trajectory" in self.request.pictures and len(self.trail) < LONGEST_TRAIL:
            self.trail.append(self.adapter.probabilities(x0[:1])[0].amax(dim=0).float().cpu())
        self.control.progress(self.done, max(self.total, self.done))

    def send(self, variation: int, notes: tuple[NoteEvent, ...]) -> None:
        """Stream notes under the next indices."""
        if notes:
            self.control.notes([StreamedNote(self.sent + i, variation, note) for i, note in enumerate(notes)])
            self.sent += len(notes)

    def rest(self) -> None:
        """Drop what only sampling needed."""
        self.recording, self.hidden, self.audible = silence(self.adapter), None, None
        self.trail = []

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time spent inside to a stage."""
        begin = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin

    def timings(self, total: float) -> Timings:
        """What was spent so far, in seconds."""
        stage = self.seconds.get
        return Timings(stage("frontend", 0.0), stage("sample", 0.0), stage("decode", 0.0), total)
