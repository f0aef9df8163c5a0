"""A posterior of the sustain pedal to the spans in which it is down."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

PRESSED = 0.6  # the probability that presses the pedal,
RELEASED = 0.4  # and the one that releases it; in between it stays as it is
SHORTEST = 4  # frames that a pedal is down, or up between two spans

PedalArray = npt.NDArray[np.float64]  # (n_spans, 2): down s, up s; sorted, and apart


def decode_pedal(pedal: Tensor, frame_rate: float, *, down: bool = False) -> PedalArray:
    """Decode the spans of a posterior (n_frames,), timed from its first frame; (n_spans, 2).

    ``down``: whether the pedal is down before it. A pedal that is down at the end has infinity for its ``up``.
    """
    probability = pedal.float().cpu().numpy()
    told = np.where(probability >= PRESSED, 1, np.where(probability <= RELEASED, 0, -1))
    told = np.concatenate([[int(down)], told])
    last = np.maximum.accumulate(np.where(told >= 0, np.arange(len(told)), 0))
    state = told[last]
    edges = np.flatnonzero(np.diff(np.concatenate([state, [0]]), prepend=0))
    spans = edges.reshape(-1, 2).astype(np.float64) - 1.0
    spans[:, 0] = np.maximum(spans[:, 0], 0.0)
    spans[spans[:, 1] >= len(probability), 1] = np.inf
    spans = _joined(spans)
    return spans[spans[:, 1] - spans[:, 0] >= SHORTEST] / frame_rate


def _joined(spans: PedalArray) -> PedalArray:
    """Join spans in frames that are less than SHORTEST apart."""
    if not len(spans):
        return spans
    apart = spans[1:, 0] - spans[:-1, 1] >= SHORTEST
    return np.stack([spans[np.append(True, apart), 0], spans[np.append(apart, True), 1]], axis=1)
