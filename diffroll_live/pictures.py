"""What a request leaves for plots: copies on the CPU of the spectrogram, the posterior and the trail of estimates."""

from __future__ import annotations

import numpy as np
import torch

from diffroll_live.roll import N_PITCHES
from diffroll_live.transcription import Span
from diffroll_live.types import Floats, Pictures
from diffroll_live.work import Work


def pictures_of(work: Work, spans: list[Span]) -> Pictures | None:
    """Gather the pictures that a request asks for; None when it asks for none."""
    if not work.request.pictures:
        return None
    n_frames = max(work.n_frames, *(s.first + s.posteriors[0].n_frames for s in spans), 1)
    posterior = np.zeros((n_frames, N_PITCHES), np.float32)
    for span in spans:
        first = span.posteriors[0]
        posterior[span.first : span.first + first.n_frames] = torch.maximum(first.onset, first.frame).cpu().numpy()
    trail = torch.stack(work.trail).numpy() if work.trail else np.zeros((0, 1, N_PITCHES), np.float32)
    return Pictures(work.voice.geometry.frame_rate, _spectrogram(work), posterior, trail)


def _spectrogram(work: Work) -> Floats:
    """The features of pitch, (n_frames, n_bins), brought to [0, 1] for the eye."""
    if not work.n_frames:
        return np.zeros((1, 1), np.float32)
    features: Floats = work.voice.spectrogram(work.recording.features()).T.float().cpu().numpy()
    low, high = np.quantile(features, [0.05, 0.999])
    return np.clip((features - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
