"""What a request leaves for plots: copies on the CPU of the spectrogram, the posterior and the trail of estimates."""

from __future__ import annotations

import numpy as np
import torch

from diffroll_live.engine.request_state import Work
from diffroll_live.engine.transcription import Span, cells
from diffroll_live.model.roll_targets import target_of, to_array
from diffroll_live.music.roll import N_PITCHES
from diffroll_live.types import Floats, NoteEvent, Pictures, Region


def pictures_of(
    work: Work, spans: list[Span], drawn_regions: tuple[Region, ...], drawn: list[NoteEvent]
) -> Pictures | None:
    """Gather the pictures that a request asks for; None when it asks for none.

    What is known and what was ``drawn`` stand in the posterior as certain, in place of what was read there.
    """
    if not work.request.pictures:
        return None
    geometry = work.adapter.geometry
    ends = (*(s.first + s.posteriors[0].n_frames for s in spans), *(geometry.n_frames(r.offset) for r in drawn_regions))
    posterior = np.zeros((max(work.n_frames, *ends, 1), N_PITCHES), np.float32)
    for span in spans:
        first = span.posteriors[0]
        read = torch.maximum(first.onset, first.frame).float().cpu().numpy()
        posterior[span.first : span.first + first.n_frames] = read
    posterior[cells(work, drawn_regions, len(posterior)).T] = 0
    certain = target_of(to_array([*work.keep, *drawn]), geometry, len(posterior))
    np.maximum(posterior, certain.frame, out=posterior)
    trail = torch.stack(work.trail).numpy() if work.trail else np.zeros((0, 1, N_PITCHES), np.float32)
    return Pictures(work.adapter.geometry.frame_rate, _spectrogram(work), posterior, trail)


def _spectrogram(work: Work) -> Floats:
    """The features of pitch, (n_frames, n_bins), brought to [0, 1] for the eye."""
    if not work.n_frames:
        return np.zeros((1, 1), np.float32)
    features: Floats = work.adapter.spectrogram(work.recording.features()).T.float().cpu().numpy()
    low, high = np.quantile(features, [0.05, 0.999])
    return np.clip((features - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
