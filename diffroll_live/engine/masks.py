"""Which cells of a recording are hidden from a network that fills them while it transcribes the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from diffroll_live.engine.region_cells import region_cells
from diffroll_live.engine.window_asks import Audible
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.transfers import to_device
from diffroll_live.types import Region


@dataclass(frozen=True, slots=True)
class AudioMasks:
    """Which cells of a recording the network sees, and which it fills.

    audible: where the audio is seen. hidden: (n_frames, 88) bool, the cells to fill. n_frames may reach beyond the end
    of the recording.
    """

    audible: Audible
    hidden: Tensor

    @property
    def n_frames(self) -> int:
        """Frames up to the end of the recording and of what is hidden."""
        return int(self.hidden.shape[0])


def hide(adapter: ModelAdapter, regions: tuple[Region, ...], n_frames: int) -> AudioMasks:
    """Hide regions of a recording of ``n_frames``.

    Where regions reach beyond its end everything after it is hidden, since music that goes on is not followed by
    silence.
    """
    end = max(*(adapter.geometry.frame(region.offset) for region in regions), n_frames)
    cells = region_cells(adapter.geometry, regions, end + adapter.window_frames)
    if end > n_frames:
        cells[:, n_frames:] = True
    hidden = to_device(cells, adapter.device)
    return AudioMasks(Audible((~hidden).float(), ~np.logical_and.reduce(cells, axis=0)), hidden[:, :end].T)
