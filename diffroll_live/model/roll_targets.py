"""Notes to rolls in vectorised NumPy; decoding.py does the reverse. No model, no audio, no Python loop over frames.

A roll here is three channels of (n_frames, 88): *onset* (two frames wide), *frame* (sounding; one empty frame before
every repeated note keeps the two apart) and *velocity* (held through the note, 0 to 1). Two more channels hold the
difference, in frames, between the true onset and offset and the frame where they are decoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH, N_PITCHES, SLACK, RollGeometry
from diffroll_live.types import Floats, NoteEvent

NoteArray = npt.NDArray[np.float64]  # (n_notes, 4): onset s, offset s, pitch, velocity

ONSET_WIDTH = 2  # frames that carry the onset bit
SHORTEST_SECONDS = 1e-3  # s; shorter notes are dropped whatever the threshold


@dataclass(frozen=True, slots=True)
class RollTarget:
    """What a network learns for one window; every array is (n_frames, 88) float32.

    ``onset_shift`` is the true onset minus the frame, in frames, valid where ``onset`` is 1 (-1.5 to 0.5);
    ``offset_shift`` likewise where ``offset_mask`` is 1 (-0.5 to 1.5).
    """

    onset: Floats
    frame: Floats
    velocity: Floats
    onset_shift: Floats
    offset_shift: Floats
    offset_mask: Floats


def to_array(notes: Iterable[NoteEvent]) -> NoteArray:
    """Turn notes into rows (onset s, offset s, pitch, velocity); (n_notes, 4) float64."""
    rows = [(n.onset, n.offset, n.pitch, n.velocity) for n in notes]
    return np.asarray(rows, dtype=np.float64).reshape(-1, 4)


def to_notes(rows: NoteArray) -> tuple[NoteEvent, ...]:
    """Turn rows (onset s, offset s, pitch, velocity) into notes, sorted by onset then pitch."""
    order = np.lexsort((rows[:, 2], rows[:, 0]))
    return tuple(NoteEvent(float(a), float(b), int(p), int(v)) for a, b, p, v in rows[order].tolist())


def long_enough(rows: NoteArray, min_note: float) -> npt.NDArray[np.bool_]:
    """Mark the rows that last ``min_note`` seconds, allowing for rounding."""
    lasting: npt.NDArray[np.bool_] = rows[:, 1] - rows[:, 0] >= max(min_note, SHORTEST_SECONDS) - SLACK
    return lasting


def target_of(rows: NoteArray, geometry: RollGeometry, n_frames: int) -> RollTarget:
    """Draw notes on a roll.

    rows: (n_notes, 4), times from the roll's first frame, notes may extend beyond it on both sides.
    Returns a RollTarget of (n_frames, 88) arrays. A note that began before the roll has no onset on it.
    """
    rows = rows[(rows[:, 2] >= LOW_PITCH) & (rows[:, 2] <= HIGH_PITCH)]
    rows = rows[np.lexsort((rows[:, 0], rows[:, 2]))]
    bins = rows[:, 2].astype(np.int64) - LOW_PITCH
    on = rows[:, 0] * geometry.frame_rate
    off = rows[:, 1] * geometry.frame_rate
    first = np.rint(on).astype(np.int64)
    last = np.maximum(np.rint(off).astype(np.int64), first + 1)
    same = (bins[1:] == bins[:-1]) if len(rows) else np.zeros(0, bool)
    repeat_limit = np.where(same, first[1:] - 1, np.iinfo(np.int64).max) if len(rows) else first
    last[:-1] = np.maximum(np.minimum(last[:-1], repeat_limit), first[:-1] + 1)

    zeros = np.zeros((n_frames, N_PITCHES), np.float32)
    onset, velocity = zeros.copy(), zeros.copy()
    onset_shift, offset_shift, offset_mask = zeros.copy(), zeros.copy(), zeros.copy()
    edges = np.zeros((n_frames + 1, N_PITCHES), np.float32)
    level = np.zeros((n_frames + 1, N_PITCHES), np.float64)
    start, stop = np.clip(first, 0, n_frames), np.clip(last, 0, n_frames)
    np.add.at(edges, (start, bins), 1.0)
    np.add.at(edges, (stop, bins), -1.0)
    np.add.at(level, (start, bins), rows[:, 3] / 127.0)
    np.add.at(level, (stop, bins), -rows[:, 3] / 127.0)
    frame = np.clip(np.cumsum(edges[:-1], axis=0), 0.0, 1.0)
    velocity = np.clip(np.cumsum(level[:-1], axis=0), 0.0, 1.0).astype(np.float32)
    for step in range(ONSET_WIDTH):
        _mark(onset, onset_shift, first + step, bins, on)
    for step in range(-1, 1):
        _mark(offset_mask, offset_shift, last + step, bins, off)
    return RollTarget(onset, frame, velocity, onset_shift, offset_shift, offset_mask)


def _mark(
    bits: Floats, shift: Floats, at: npt.NDArray[np.int64], bins: npt.NDArray[np.int64], exact: NoteArray
) -> None:
    inside = (at >= 0) & (at < len(bits))
    bits[at[inside], bins[inside]] = 1.0
    shift[at[inside], bins[inside]] = np.clip(exact[inside] - at[inside], -1.5, 1.5)
