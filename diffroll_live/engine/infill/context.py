"""The notes around infilled regions, transcribed before anything is written; they are not part of the result."""

from __future__ import annotations

import numpy as np
import torch

from diffroll_live.engine.features import Recording
from diffroll_live.engine.plan import EnginePlan
from diffroll_live.engine.progress import Progress
from diffroll_live.engine.region_cells import covered_frames, marked_spans
from diffroll_live.engine.transcription import PosteriorSpan, SpanWindows, sample_batch, windows_over
from diffroll_live.engine.windowed_sampling import WindowConditions, batches
from diffroll_live.model.decoding import join
from diffroll_live.model.roll_targets import NoteArray, to_array, to_notes
from diffroll_live.music.regions import kept

CONTEXT_SECONDS = 5.0  # of music on each side of a region
USUAL_VELOCITY = 70.0  # of the training pieces, towards which transcribed velocities regress, and
HEDGED = 2.0  # the factor by which the mean of a passage differs less from it than the played mean
HEDGED_WITHIN = 1.4  # the factor by which the velocities of a passage differ less from their mean


def context_windows(plan: EnginePlan) -> SpanWindows:
    """The windows to sample around infilled regions; none if the user has given the notes there.

    The inside of a region is left out, unless some of its pitches are audible.
    """
    if plan.request.kept or not plan.infilled:
        return ()
    geometry, wanted = plan.adapter.geometry, np.zeros(plan.n_frames, bool)
    for region in plan.infilled:
        first, last = geometry.frame(region.onset - CONTEXT_SECONDS), geometry.frame(region.offset + CONTEXT_SECONDS)
        wanted[max(first, 0) : last] = True
    wanted &= ~covered_frames(geometry, plan.infilled, plan.n_frames)
    return windows_over(plan, marked_spans(wanted))


def read_context(
    plan: EnginePlan, recording: Recording, progress: Progress, windows: SpanWindows
) -> tuple[NoteArray, list[PosteriorSpan]]:
    """Transcribe the notes around infilled regions: rows (onset, offset, pitch, velocity), and what was sampled."""
    spans: list[PosteriorSpan] = []
    found = [np.zeros((0, 4))]
    if not windows:
        return found[0], spans
    adapter = plan.adapter
    audible = torch.from_numpy(~covered_frames(adapter.geometry, plan.infilled, plan.n_frames))[None]
    conditions = WindowConditions(plan.context_sampling, audible=audible.float().to(adapter.device))
    for span in windows:
        parts = [sample_batch(plan, recording, progress, batch, conditions)[0] for batch in batches(span, plan.batch)]
        spans.append(PosteriorSpan(span[0].first, (join(parts),)))
        rows = adapter.decode(spans[-1].posteriors[0], plan.thresholds)
        rows[:, :2] += span[0].first / adapter.geometry.frame_rate
        found.append(rows)
    return as_played(to_array(kept(to_notes(np.concatenate(found)), plan.request.regions))), spans


def as_played(rows: NoteArray) -> NoteArray:
    """Spread transcribed velocities as widely as played ones, since each estimate regresses to a mean."""
    if len(rows):
        mean = rows[:, 3].mean()
        spread = HEDGED * (mean - USUAL_VELOCITY) + HEDGED_WITHIN * (rows[:, 3] - mean)
        rows[:, 3] = np.clip(np.rint(USUAL_VELOCITY + spread), 1, 127)
    return rows
