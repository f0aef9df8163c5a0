"""Read notes off DiffRoll's frame roll, the way the published implementation does. NumPy only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def extract_notes(roll: npt.NDArray[np.floating], threshold: float) -> tuple[Ints, Ints]:
    """Find the runs of frames above ``threshold`` in a roll of (n_frames, n_pitches): each is a note.

    Returns the notes' pitch bins, (n_notes,), and their frames, (n_notes, 2): onset, and offset (exclusive). Sorted by
    onset, then pitch. Repeated notes without a gap are one: a frame roll cannot tell them apart.
    """
    sounding = np.pad(roll > threshold, ((1, 1), (0, 0))).astype(np.int8)
    edges = np.diff(sounding, axis=0).T
    pitch_bins, onsets = np.nonzero(edges == 1)  # by pitch, then time: onset and offset number n belong together
    offsets = np.nonzero(edges == -1)[1]
    order = np.lexsort((pitch_bins, onsets))
    return pitch_bins[order], np.stack((onsets, offsets), axis=1)[order]
