"""Windows that answers wait for: what each needs to be sampled, and what may be sampled beside it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor

from diffroll_live.engine.canvas import Canvas
from diffroll_live.engine.progress import Progress
from diffroll_live.engine.windows import Window
from diffroll_live.errors import DiffrollError
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.adapters.cut_windows import cut_windows
from diffroll_live.model.decoding import Posterior
from diffroll_live.model.samplers import Sampler


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample: the same fields give the same posterior."""

    sampler: Sampler
    steps: int
    guidance: float
    seed: int


@dataclass(frozen=True, slots=True)
class Audible:
    """Where audio is not hidden. cells: (1 or 88, n_frames) of 0 and 1. frames: (n_frames,), where any of it is heard.

    Both hold beyond their ends too: nothing is hidden there.
    """

    cells: Tensor
    frames: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WindowConditions:
    """The conditions of sampling windows: sampler settings, variations, known notes, and where audio is hidden."""

    sampling: Sampling
    variations: int = 1
    canvas: Canvas | None = None
    audible: Audible | None = None


@dataclass(eq=False, slots=True)
class WindowAsk:
    """Windows of one recording, features (n_features, n_frames), that one request waits for.

    posteriors: one of the kept frames for each variation, once they are sampled. error: why they are not.
    """

    features: Tensor
    windows: tuple[Window, ...]
    conditions: WindowConditions
    progress: Progress
    posteriors: list[Posterior] = field(default_factory=list)
    error: Exception | None = None

    @property
    def guidance(self) -> float:
        """The scale of guidance; without audio there is nothing to guide by."""
        return self.conditions.sampling.guidance if self._is_heard else 0.0

    @property
    def kind(self) -> Hashable:
        """What asks must have in common to be sampled in one batch."""
        conditions, sampling = self.conditions, self.conditions.sampling
        hidden_rows = 1 if conditions.audible is None else conditions.audible.cells.shape[0]
        known = conditions.canvas is not None
        return sampling.sampler, sampling.steps, self.guidance, conditions.variations, hidden_rows, known

    @property
    def _is_heard(self) -> bool:
        if self.conditions.audible is None:
            return True
        frames = self.conditions.audible.frames
        return any(w.last > len(frames) or bool(frames[max(w.begin, 0) : w.last].any()) for w in self.windows)

    def rows(self) -> Iterator[WindowRow]:
        """One row of a batch for each window."""
        return (WindowRow(self, window) for window in self.windows)

    def evaluated(self, windows: Sequence[Window], x0: Tensor | None) -> None:
        """Report an evaluation of some of the windows, x0 (n_windows, ...) where it is to be seen.

        An error of whoever hears of it, such as Cancelled, is the ask's.
        """
        try:
            if x0 is None:
                self.progress.advanced()
            else:
                self.progress.evaluated(windows, x0)
        except DiffrollError as error:
            self.error = error


@dataclass(frozen=True, eq=False, slots=True)
class WindowRow:
    """One window of an ask: a row of a batch, whoever has the other rows."""

    ask: WindowAsk
    window: Window

    def cut(self, adapter: ModelAdapter) -> tuple[Tensor, Tensor]:
        """The features of the window and its audio mask: (1, n_features, n_frames) and (1, 1 or 88, n_frames)."""
        begins, audible = [self.window.begin], self.ask.conditions.audible
        cut, mask = adapter.cut(self.ask.features, begins)
        if audible is not None:
            mask = mask * cut_windows(audible.cells, begins, adapter.window_frames, 1.0)
        return cut, mask

    def known(self, adapter: ModelAdapter) -> tuple[Tensor, ...]:
        """What is known of the window's roll, and where: two tensors of one row, or none."""
        canvas = self.ask.conditions.canvas
        return () if canvas is None else canvas.cut([self.window.begin], adapter.window_frames)

    def seed(self, variation: int) -> int:
        """A seed for this window of one variation, whatever else is in the batch."""
        entropy = [self.ask.conditions.sampling.seed, variation, self.window.begin + 1_000_000]
        return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> 1)

    def kept(self, posterior: Posterior) -> Posterior:
        """The frames of the window's posterior that are kept."""
        return posterior.cut(self.window.first - self.window.begin, self.window.last - self.window.begin)
