"""The data of a request's plots: CPU copies of the spectrogram and the posterior, and the trajectory."""

from __future__ import annotations

import numpy as np
import torch

from diffroll_live.engine.features import Recording
from diffroll_live.engine.plan import EnginePlan
from diffroll_live.engine.region_cells import region_cells
from diffroll_live.engine.trail import Trail
from diffroll_live.engine.transcription import PosteriorSpan
from diffroll_live.model.roll_targets import target_of, to_array
from diffroll_live.music.roll import N_PITCHES
from diffroll_live.picture_types import Pictures
from diffroll_live.types import Floats, NoteEvent


def pictures_of(
    plan: EnginePlan,
    recording: Recording,
    spans: list[PosteriorSpan],
    written: list[NoteEvent],
    trail: Trail | None,
) -> Pictures | None:
    """Collect the plots that a request asks for; None if it asks for none.

    Kept notes and those ``written`` into infilled regions appear in the posterior as certain.
    """
    if not plan.request.pictures:
        return None
    geometry = plan.adapter.geometry
    posterior = np.zeros((plan.n_rolled, N_PITCHES), np.float32)
    for span in spans:
        first = span.posteriors[0]
        sampled = torch.maximum(first.onset, first.frame).float().cpu().numpy()
        posterior[span.first : span.first + first.n_frames] = sampled
    posterior[region_cells(geometry, plan.infilled, len(posterior)).T] = 0
    certain = target_of(to_array([*plan.request.kept, *written]), geometry, len(posterior))
    np.maximum(posterior, certain.frame, out=posterior)
    trajectory = tuple(trail.estimates) if trail is not None else ()
    return Pictures(geometry.frame_rate, _spectrogram(recording), posterior, trajectory)


def _spectrogram(recording: Recording) -> Floats:
    """The features of pitch, (n_frames, n_bins), scaled to [0, 1] for display."""
    if not recording.n_frames:
        return np.zeros((1, 1), np.float32)
    features: Floats = recording.adapter.spectrogram(recording.features()).T.float().cpu().numpy()
    low, high = np.quantile(features, [0.05, 0.999])
    return np.clip((features - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
