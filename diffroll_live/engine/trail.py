"""The trajectory of a request: what each evaluation expects of some frames, sent as it comes and kept for later."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.windows import Window
from diffroll_live.model.roll_targets import target_of, to_array
from diffroll_live.music.roll import N_PITCHES, RollGeometry
from diffroll_live.picture_types import Estimate
from diffroll_live.types import Control, NoteEvent

MOST_BYTES = 16 << 20  # of the estimates that are kept


class Trail:
    """Draws on one roll of ``n_frames``; what is drawn goes to ``control``, and stays here up to MOST_BYTES."""

    def __init__(self, control: Control, geometry: RollGeometry, n_frames: int) -> None:
        self._control, self._geometry = control, geometry
        self._roll = np.zeros((max(n_frames, 1), N_PITCHES), np.uint8)
        self._room = MOST_BYTES
        self.estimates: list[Estimate] = []

    def estimated(self, windows: Sequence[Window], probabilities: Tensor) -> None:
        """Draw the kept frames of windows that follow each other; probabilities: (n_windows, channels, n_frames, 88).

        The first two channels are those of onsets and frames.
        """
        parts = probabilities[:, :2].amax(dim=1)
        kept = [part[w.first - w.begin : w.last - w.begin] for w, part in zip(windows, parts, strict=True)]
        levels = (torch.cat(kept).float().clamp(0, 1) * 255).to(torch.uint8).cpu().numpy()
        first = windows[0].first
        self._roll[first : first + len(levels)] = levels[: len(self._roll) - first]
        self._show(first, first + len(levels))

    def wrote(self, notes: Sequence[NoteEvent]) -> None:
        """Draw notes that are written, as certain."""
        if not notes:
            return
        rows = to_array(notes)
        first = max(0, self._geometry.frame(float(rows[:, 0].min())))
        last = min(len(self._roll), self._geometry.frame(float(rows[:, 1].max())) + 1)
        if first >= last:
            return
        rows[:, :2] -= first / self._geometry.frame_rate
        certain = target_of(rows, self._geometry, last - first).frame
        np.maximum(self._roll[first:last], (255 * certain).astype(np.uint8), out=self._roll[first:last])
        self._show(first, last)

    def _show(self, first: int, last: int) -> None:
        levels = self._roll[first:last].copy()
        estimate = Estimate(first, levels, len(self._roll), self._geometry.frame_rate)
        self._control.estimate(estimate)
        self._room -= levels.nbytes
        if self._room >= 0:
            self.estimates.append(estimate)
