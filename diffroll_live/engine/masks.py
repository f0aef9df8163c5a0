"""Which cells of a recording are hidden from a network that fills them while it transcribes the others."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diffroll_live.engine.region_cells import region_cells
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.types import Region


@dataclass(frozen=True, slots=True)
class AudioMasks:
    """Which cells of a recording the network sees, and which it fills.

    audible: (88, n_frames or more) of 0 and 1, where the audio is seen. hidden: (n_frames, 88) bool, the
    cells to fill. n_frames may reach beyond the end of the recording.
    """

    audible: Tensor
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
    cells = torch.from_numpy(region_cells(adapter.geometry, regions, end + adapter.window_frames)).to(adapter.device)
    if end > n_frames:
        cells[:, n_frames:] = True
    return AudioMasks((~cells).float(), cells[:, :end].T)
