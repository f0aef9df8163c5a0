"""Windows cut from tensors that span a whole recording."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def cut_windows(whole: Tensor, begins: Sequence[int], window: int, fill: float) -> Tensor:
    """Cut (n_rows, n_frames) into (batch, n_rows, window), a window for each first frame in ``begins``.

    A window may extend beyond either end, where it holds ``fill``.
    """
    cut = whole.new_full((len(begins), whole.shape[0], window), fill)
    for row, begin in enumerate(begins):
        low, high = max(begin, 0), min(begin + window, whole.shape[1])
        if high > low:
            cut[row, :, low - begin : high - begin] = whole[:, low:high]
    return cut
