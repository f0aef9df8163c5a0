"""Where to write: runs of frames, the blocks in which they are written, and their borders."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK_FRAMES = 16  # 0.256 s; notes written in a block do not inform the rest of it
LONGEST_BLOCK = 64  # frames; the maximum, however long the gap
EVALUATIONS = 16  # blocks per gap, as long as they stay within that length
LINGER = 3  # frames before a gap; a key that sounds there may still be down in it
HELD = 64  # frames for which such a key is not struck
SOON = 4  # frames before a known onset in which its key is not struck


def block_frames(n_frames: int) -> int:
    """The length of the blocks in which ``n_frames`` are written."""
    return min(max(BLOCK_FRAMES, -(-n_frames // EVALUATIONS)), LONGEST_BLOCK)


def runs(marked: Tensor) -> list[tuple[int, int]]:
    """The runs [first, last) of marked frames; marked is (n_frames,) bool."""
    edges = torch.diff(torch.nn.functional.pad(marked.int(), (1, 1)))
    return list(zip(torch.nonzero(edges > 0)[:, 0].tolist(), torch.nonzero(edges < 0)[:, 0].tolist(), strict=True))


def blocks_of(writable: Tensor) -> list[tuple[int, int]]:
    """The blocks [first, last) to write, in order of time; writable is (88, n_frames) bool."""
    found = []
    for first, last in runs(writable.any(dim=0)):
        size = block_frames(last - first)
        found += [(at, min(at + size, last)) for at in range(first, last, size)]
    return found


def strikable(writable: Tensor, onset: Tensor, frame: Tensor) -> Tensor:
    """Where a note may begin, (88, n_frames) bool, such that no note at a border is written twice.

    onset, frame: bool, where notes are known to begin and to sound. The audible part of a note ends where the gap
    begins, so a key that sounds up to there is assumed to stay down for a while; a key with a known onset soon is left
    free.
    """
    after = torch.nn.functional.pad(onset.float()[None], (0, SOON))
    may = writable & (torch.nn.functional.max_pool1d(after, SOON + 1, stride=1)[0] == 0)
    for first, last in runs(writable.any(dim=0)):
        down = frame[:, max(first - LINGER, 0) : first].any(dim=1)
        may[down, first : min(first + HELD, last)] = False
    return may
