"""Posteriors at a live edge to onset candidates and sounding spans; what is a note is decided elsewhere.

No network, no audio, and no memory of earlier hops; the rules of decoding.py hold here too.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from diffroll_live.engine.note_stream import BLURRED_FRAMES
from diffroll_live.live_types import LiveEstimate, OnsetCandidate, SoundingSpan
from diffroll_live.model.decoding import Posterior, Thresholds, note_ends, peaks
from diffroll_live.model.pedalling import decode_pedal
from diffroll_live.music.roll import LOW_PITCH

FAINTEST = 0.6  # of the onset threshold; an onset that was above it may fall this low and remain a note


def live_estimate(posterior: Posterior, thresholds: Thresholds, frame_rate: float, begin: float) -> LiveEstimate:
    """Read a posterior that ends at the live edge; ``begin`` is the time of its first frame in seconds.

    Candidates are peaks of the onset channel, down to FAINTEST of its threshold; pitches sound in frames above the
    frame threshold.
    """
    return LiveEstimate(
        begin + BLURRED_FRAMES / frame_rate,
        begin + posterior.n_frames / frame_rate,
        thresholds.onset,
        _candidates(posterior, thresholds.onset * FAINTEST, frame_rate, begin),
        _spans(posterior, thresholds.frame, frame_rate, begin),
        _pedal(posterior, frame_rate, begin),
    )


def _candidates(posterior: Posterior, threshold: float, frame_rate: float, begin: float) -> tuple[OnsetCandidate, ...]:
    onset = posterior.onset.float()
    frames, bins = peaks(onset, threshold)
    after_the_cut = frames >= BLURRED_FRAMES
    frames, bins = frames[after_the_cut], bins[after_the_cut]
    late = posterior.onset_shift[frames, bins].clamp(-1.5, 1.5)
    level = posterior.velocity[(frames + 1).clamp(max=posterior.n_frames - 1), bins]  # the attack is over
    columns = (frames + late, bins, level * 127, onset[frames, bins])
    return tuple(
        OnsetCandidate(int(pitch) + LOW_PITCH, begin + at / frame_rate, min(max(round(level), 1), 127), probability)
        for at, pitch, level, probability in sorted(_rows(columns))
    )


def _spans(posterior: Posterior, threshold: float, frame_rate: float, begin: float) -> tuple[SoundingSpan, ...]:
    n_frames = posterior.n_frames
    sounds = torch.nn.functional.pad((posterior.frame >= threshold).to(torch.int8), (0, 0, 1, 0))
    first, bins = torch.nonzero(sounds.diff(dim=0) == 1, as_tuple=True)
    last = note_ends(posterior.frame.float(), first, bins, threshold)
    late = posterior.offset_shift[last.clamp(max=n_frames - 1), bins].clamp(-1.0, 1.0)
    ends = torch.where(last < n_frames, last + late, torch.inf)
    return tuple(
        SoundingSpan(
            int(pitch) + LOW_PITCH, begin + at / frame_rate, None if math.isinf(end) else begin + end / frame_rate
        )
        for at, pitch, end in sorted(_rows((first, bins, ends)))
    )


def _pedal(posterior: Posterior, frame_rate: float, begin: float) -> tuple[tuple[float, float], ...]:
    if posterior.pedal is None:
        return ()
    return tuple((begin + down, begin + up) for down, up in decode_pedal(posterior.pedal, frame_rate).tolist())


def _rows(columns: tuple[Tensor, ...]) -> list[list[float]]:
    """Copy columns to the CPU together, as rows."""
    rows: list[list[float]] = torch.stack([column.double() for column in columns], dim=1).tolist()
    return rows
