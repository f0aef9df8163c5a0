"""Regions as cells of a roll, and as spans of frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diffroll_live.music.roll import LOW_PITCH, N_PITCHES, RollGeometry
from diffroll_live.types import Region

FrameSpan = tuple[int, int]
"""Frames [first, last)."""


def region_cells(geometry: RollGeometry, regions: tuple[Region, ...], n_frames: int) -> npt.NDArray[np.bool_]:
    """Mark the cells of regions: (88, n_frames) bool."""
    cells = np.zeros((N_PITCHES, n_frames), bool)
    for region in regions:
        first, last = geometry.frame(region.onset), geometry.frame(region.offset)
        cells[region.low - LOW_PITCH : region.high - LOW_PITCH + 1, first:last] = True
    return cells


def covered_frames(geometry: RollGeometry, regions: tuple[Region, ...], n_frames: int) -> npt.NDArray[np.bool_]:
    """Mark the frames in which regions cover every pitch: (n_frames,) bool."""
    return np.logical_and.reduce(region_cells(geometry, regions, n_frames), axis=0)


def frame_spans(
    geometry: RollGeometry, regions: tuple[Region, ...], n_frames: int, around: float
) -> tuple[FrameSpan, ...]:
    """The frames, up to ``n_frames``, of regions and ``around`` seconds on both sides, merged where they touch."""
    merged: list[FrameSpan] = []
    for region in sorted(regions, key=lambda r: r.onset):
        first = max(geometry.frame(region.onset - around), 0)
        last = min(geometry.frame(region.offset + around), n_frames)
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        elif first < last:
            merged.append((first, last))
    return tuple(merged)


def marked_spans(marked: npt.NDArray[np.bool_]) -> tuple[FrameSpan, ...]:
    """The spans of marked frames; marked is (n_frames,) bool."""
    edges = np.flatnonzero(np.diff(marked, prepend=False, append=False))
    return tuple((int(first), int(last)) for first, last in edges.reshape(-1, 2))
