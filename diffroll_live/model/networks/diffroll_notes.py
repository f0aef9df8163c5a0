"""Decode the notes of DiffRoll's frame roll as the published implementation does, on the device that holds it."""

from __future__ import annotations

import torch
from torch import Tensor


def extract_notes(roll: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """Find the runs of frames above ``threshold`` in a roll of (n_frames, n_pitches): each run is a note.

    Returns the notes' pitch bins, (n_notes,) int64, and their frames, (n_notes, 2) int64: onset, and offset
    (exclusive). Sorted by onset, then pitch. Repeated notes without a gap count as one: a frame roll cannot tell them
    apart.
    """
    sounding = torch.nn.functional.pad((roll > threshold).to(torch.int8), (0, 0, 1, 1))
    edges = sounding.diff(dim=0).T
    pitch_bins, onsets = torch.nonzero(
        edges == 1, as_tuple=True
    )  # by pitch, then time: the nth onset and offset are one note
    offsets = torch.nonzero(edges == -1, as_tuple=True)[1]
    order = torch.argsort(onsets, stable=True)
    return pitch_bins[order], torch.stack((onsets, offsets), dim=1)[order]
