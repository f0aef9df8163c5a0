"""Where there is something to write: stretches of frames, the blocks they are written in, and their borders."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK_FRAMES = 16  # 0.256 s; what is written in a block is not known to the rest of it
LONGEST_BLOCK = 64  # frames; no longer ones, however long the hole
EVALUATIONS = 16  # blocks of a hole that can do with blocks of that length
LINGER = 3  # frames before a hole: a key that sounds there may still be down in it
HELD = 64  # frames in which such a key is not struck
SOON = 4  # frames before a known onset in which its key is not struck


def block_frames(n_frames: int) -> int:
    """How long the blocks are in which ``n_frames`` are written."""
    return min(max(BLOCK_FRAMES, -(-n_frames // EVALUATIONS)), LONGEST_BLOCK)


def runs(marked: Tensor) -> list[tuple[int, int]]:
    """The stretches [first, last) of marked frames; marked is (n_frames,) bool."""
    edges = torch.diff(torch.nn.functional.pad(marked.int(), (1, 1)))
    return list(zip(torch.nonzero(edges > 0)[:, 0].tolist(), torch.nonzero(edges < 0)[:, 0].tolist(), strict=True))


def blocks_of(writable: Tensor) -> list[tuple[int, int]]:
    """The blocks [first, last) that there are to write, in order of time; writable is (88, n_frames) bool."""
    found = []
    for first, last in runs(writable.any(dim=0)):
        size = block_frames(last - first)
        found += [(at, min(at + size, last)) for at in range(first, last, size)]
    return found


def strikable(writable: Tensor, onset: Tensor, frame: Tensor) -> Tensor:
    """Where a note may begin, (88, n_frames) bool, so that no note at a border is written twice.

    onset, frame: bool, where notes are known to begin and to sound. What is heard of a note ends where the hole begins,
    so a key that sounds up to there is taken to be down for a while; one that is struck soon is left for that note.
    """
    after = torch.nn.functional.pad(onset.float()[None], (0, SOON))
    may = writable & (torch.nn.functional.max_pool1d(after, SOON + 1, stride=1)[0] == 0)
    for first, last in runs(writable.any(dim=0)):
        down = frame[:, max(first - LINGER, 0) : first].any(dim=1)
        may[down, first : min(first + HELD, last)] = False
    return may
