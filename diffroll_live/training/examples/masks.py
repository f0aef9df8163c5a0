"""The tasks as masks, drawn anew for every example: which audio is hidden and which notes are known."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diffroll_live.music.roll import N_PITCHES

#: Probability of each task. A gap hides audio and notes; "blind" ones have no audio anywhere.
SHARES: dict[str, float] = {
    "transcribe": 0.30,
    "transcribe_after": 0.14,  # the notes before some time are known
    "hole": 0.18,
    "blind_hole": 0.20,
    "continue": 0.07,
    "blind_continue": 0.07,
    "scattered": 0.02,  # random cells known
    "nothing": 0.02,
}


@dataclass(frozen=True, slots=True)
class Masks:
    """audio: (batch, 1, n_frames), 1 where not hidden; known: (batch, 88, n_frames), 1 where the roll is given."""

    audio: Tensor
    known: Tensor


def draw_masks(edge: Tensor, n_frames: int, frame_rate: float, generator: torch.Generator) -> Masks:
    """Draw masks for a batch on the CPU; ``edge`` (batch,) is the frame from which audio is missing."""
    audio, known = [], []
    names, weights = list(SHARES), torch.tensor(list(SHARES.values()))
    for limit in edge.tolist():
        task = names[int(torch.multinomial(weights, 1, generator=generator))]
        heard = (torch.arange(n_frames) < limit).float()[None]
        given = torch.zeros(N_PITCHES, n_frames)
        if task == "transcribe_after":
            given[:, : _integer(n_frames * 3 // 4, generator)] = 1
        elif task in ("hole", "blind_hole"):
            given.fill_(1)
            for _ in range(1 + _integer(2, generator)):
                begin, end, low, high = _hole(n_frames, frame_rate, generator)
                given[low:high, begin:end] = 0
                heard[:, begin:end] = 0
        elif task in ("continue", "blind_continue"):
            begin = n_frames // 4 + _integer(n_frames * 5 // 8, generator)
            given[:, :begin] = 1
            heard[:, begin:] = 0
        elif task == "scattered":
            given = (torch.rand(N_PITCHES, n_frames, generator=generator) < 0.5).float()
        if task in ("blind_hole", "blind_continue", "nothing"):
            heard = torch.zeros_like(heard)
        audio.append(heard)
        known.append(given)
    return Masks(torch.stack(audio), torch.stack(known))


def _integer(limit: int, generator: torch.Generator) -> int:
    """A whole number in [0, limit)."""
    return int(torch.randint(limit, (1,), generator=generator))


def _hole(n_frames: int, frame_rate: float, generator: torch.Generator) -> tuple[int, int, int, int]:
    """A gap of 0.3 to 4 s, one time in four over a band of only 12 to 36 pitches: begin, end, low, high."""
    length = int(frame_rate * (0.3 + 3.7 * float(torch.rand(1, generator=generator))))
    begin = _integer(max(n_frames - length, 1), generator)
    if float(torch.rand(1, generator=generator)) < 0.25:
        width = 12 + _integer(25, generator)
        low = _integer(N_PITCHES - width, generator)
        return begin, begin + length, low, low + width
    return begin, begin + length, 0, N_PITCHES
