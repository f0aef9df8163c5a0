"""What a request may hear: the cells of a recording that are hidden from an adapter which fills them as it reads."""

from __future__ import annotations

import torch

from diffroll_live.engine.request_state import Work
from diffroll_live.engine.transcription import cells
from diffroll_live.types import Region


def conceal(work: Work, hidden: tuple[Region, ...]) -> None:
    """Let regions be read without being heard.

    What is hidden can have onsets however quiet it is. Where regions reach beyond the end of the recording everything
    after it is hidden, for music that goes on is not followed by silence.
    """
    n_frames = work.n_frames
    end = max(*(work.adapter.geometry.frame(region.offset) for region in hidden), n_frames)
    marked = torch.from_numpy(cells(work, hidden, end + work.adapter.window_frames)).to(work.adapter.device)
    if end > n_frames:
        marked[:, n_frames:] = True
    work.audible = (~marked).float()
    work.hidden = marked[:, :end].T
