"""A partly known roll: the notes around and inside regions, as conditioning for a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from diffroll_live.engine.region_cells import region_cells
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.adapters.cut_windows import cut_windows
from diffroll_live.model.roll_targets import NoteArray, target_of
from diffroll_live.model.transfers import to_device
from diffroll_live.music.roll import N_PITCHES
from diffroll_live.types import Region


@dataclass(frozen=True, slots=True)
class Canvas:
    """roll: (channels * 88, n_frames) as an adapter draws it. known: (88, n_frames) of 0 and 1, its known cells."""

    roll: Tensor
    known: Tensor

    def cut(self, begins: list[int], window: int) -> tuple[Tensor, Tensor]:
        """Windows (batch, channels * 88, window) and (batch, 88, window); unknown beyond both ends."""
        return cut_windows(self.roll, begins, window, 0.0), cut_windows(self.known, begins, window, 0.0)


def known_canvas(adapter: ModelAdapter, regions: tuple[Region, ...], notes: NoteArray, n_frames: int) -> Canvas:
    """Draw ``notes`` on a canvas that covers a recording of ``n_frames`` and the regions.

    All cells are known up to the end of both, except those of the regions; in these, only the cells of ``notes``.
    """
    geometry = adapter.geometry
    end = max(geometry.n_frames(max(region.offset for region in regions)), n_frames)
    length = max(end, adapter.window_frames)
    target = target_of(notes, geometry, length)
    known = np.zeros((N_PITCHES, length), np.float32)
    known[:, :end] = 1
    known[region_cells(geometry, regions, length)] = 0
    np.maximum(known, (target.frame.T > 0), out=known)
    return Canvas(adapter.draw(target), to_device(known, adapter.device))
