"""The data of a request's plots: CPU copies of the spectrogram, the posterior and the trail of estimates."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.features import Recording
from diffroll_live.engine.plan import EnginePlan
from diffroll_live.engine.progress import LONGEST_TRAIL
from diffroll_live.engine.region_cells import region_cells
from diffroll_live.engine.transcription import PosteriorSpan
from diffroll_live.model.roll_targets import target_of, to_array
from diffroll_live.music.roll import N_PITCHES, RollGeometry
from diffroll_live.types import Floats, NoteEvent, Pictures


def pictures_of(
    plan: EnginePlan,
    recording: Recording,
    spans: list[PosteriorSpan],
    written: list[NoteEvent],
    trail: list[Tensor],
) -> Pictures | None:
    """Collect the plots that a request asks for; None if it asks for none.

    Kept notes and those ``written`` into infilled regions appear in the posterior as certain. trail: (n_frames, 88)
    estimates.
    """
    if not plan.request.pictures:
        return None
    geometry = plan.adapter.geometry
    ends = (
        *(span.first + span.posteriors[0].n_frames for span in spans),
        *(geometry.n_frames(region.offset) for region in plan.infilled),
    )
    posterior = np.zeros((max(plan.n_frames, *ends, 1), N_PITCHES), np.float32)
    for span in spans:
        first = span.posteriors[0]
        sampled = torch.maximum(first.onset, first.frame).float().cpu().numpy()
        posterior[span.first : span.first + first.n_frames] = sampled
    posterior[region_cells(geometry, plan.infilled, len(posterior)).T] = 0
    certain = target_of(to_array([*plan.request.kept, *written]), geometry, len(posterior))
    np.maximum(posterior, certain.frame, out=posterior)
    trajectory = torch.stack(trail).numpy() if trail else _growing(written, geometry, len(posterior))
    return Pictures(geometry.frame_rate, _spectrogram(recording), posterior, trajectory)


def _growing(written: list[NoteEvent], geometry: RollGeometry, n_frames: int) -> Floats:
    """What was written so far, note after note, at most LONGEST_TRAIL rolls: (n_rolls, n_frames, 88)."""
    if not written:
        return np.zeros((0, 1, N_PITCHES), np.float32)
    ends = np.linspace(1, len(written), min(len(written), LONGEST_TRAIL)).astype(int)
    rolls = [target_of(to_array(written[:end]), geometry, n_frames).frame for end in ends.tolist()]
    return np.stack(rolls).astype(np.float32)


def _spectrogram(recording: Recording) -> Floats:
    """The features of pitch, (n_frames, n_bins), scaled to [0, 1] for display."""
    if not recording.n_frames:
        return np.zeros((1, 1), np.float32)
    features: Floats = recording.adapter.spectrogram(recording.features()).T.float().cpu().numpy()
    low, high = np.quantile(features, [0.05, 0.999])
    return np.clip((features - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
