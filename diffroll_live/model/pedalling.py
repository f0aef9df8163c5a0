"""A posterior of the sustain pedal to the spans in which it is down.

A network is seldom sure that a pedal is up where it is changed, up and at once down again; but there the probability
sinks, and rises again. The constants were found by the F1 of pedal onsets on clips for tuning.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

PRESSED = 0.3  # the probability from which it is down
DIP = 0.2  # how far it sinks below what is around it, where the pedal is changed
AROUND = 20  # frames before and after a change that are around it
LIFTED = 3  # frames before and after the lowest of a change in which the pedal is up
SHORTEST = 4  # frames that a pedal is down, or up between two spans

PedalArray = npt.NDArray[np.float64]  # (n_spans, 2): down s, up s; sorted, and apart
Probabilities = npt.NDArray[np.float32]


def decode_pedal(pedal: Tensor, frame_rate: float) -> PedalArray:
    """Decode the spans of a posterior (n_frames,), timed from its first frame; (n_spans, 2).

    A pedal that is down at the end has infinity for its ``up``.
    """
    if not len(pedal):
        return np.zeros((0, 2))
    probability = pedal.float().cpu().numpy()
    down = (probability >= PRESSED) & ~_windows(_changes(probability), LIFTED).any(axis=1)
    edges = np.flatnonzero(np.diff(down.astype(np.int8), prepend=0, append=0))
    spans = _joined(edges.reshape(-1, 2).astype(np.float64))
    spans[spans[:, 1] >= len(down), 1] = np.inf
    return spans[spans[:, 1] - spans[:, 0] >= SHORTEST] / frame_rate


def _changes(probability: Probabilities) -> npt.NDArray[np.bool_]:
    """The lowest frames of dips, which are DIP below the highest before and after; (n_frames,)."""
    probability = _windows(probability, 1).mean(axis=1)  # one frame alone says little
    before = _windows(probability, AROUND)[:, : AROUND + 1].max(axis=1)
    after = _windows(probability, AROUND)[:, AROUND:].max(axis=1)
    lowest = probability <= _windows(probability, LIFTED).min(axis=1)
    return np.asarray(lowest & (np.minimum(before, after) - probability >= DIP))


def _windows(values: npt.NDArray[np.generic], reach: int) -> npt.NDArray[np.generic]:
    """What lies within ``reach`` frames of each, the ends repeated; (n_frames, 2 * reach + 1)."""
    return sliding_window_view(np.pad(values, reach, mode="edge"), 2 * reach + 1)


def _joined(spans: PedalArray) -> PedalArray:
    """Join spans in frames that are less than SHORTEST apart."""
    if not len(spans):
        return spans
    apart = spans[1:, 0] - spans[:-1, 1] >= SHORTEST
    return np.stack([spans[np.append(True, apart), 0], spans[np.append(apart, True), 1]], axis=1)
