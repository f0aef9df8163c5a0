"""The music around a hole, which is read before anything is written into it. Nothing here is part of the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from diffroll_live.engine.request_state import Work
from diffroll_live.engine.transcription import Reading, Span, cells, read_batch, windows_of
from diffroll_live.engine.windowed_sampling import Sampling, batches
from diffroll_live.engine.windows import Window
from diffroll_live.model.decoding import join
from diffroll_live.model.roll_targets import NoteArray, to_array, to_notes
from diffroll_live.music import regions as tasks
from diffroll_live.types import Region

CONTEXT_SECONDS = 5.0  # of music on each side of a hole
USUAL_VELOCITY = 70.0  # of the training pieces, towards which what is heard hedges, and
HEDGED = 2.0  # how many times less the mean of a stretch differs from that than the mean of what was played
HEDGED_WITHIN = 1.4  # how many times less the velocities of a stretch differ from their mean


def context_windows(work: Work, hidden: tuple[Region, ...]) -> tuple[tuple[Window, ...], ...]:
    """The windows to read around hidden regions, none where the user has told what is played there.

    The inside of a hole is left out; that of a region of some pitches is not, for the others sound there.
    """
    if work.keep or not hidden:
        return ()
    geometry, wanted = work.adapter.geometry, np.zeros(work.n_frames, bool)
    for region in hidden:
        first, last = geometry.frame(region.onset - CONTEXT_SECONDS), geometry.frame(region.offset + CONTEXT_SECONDS)
        wanted[max(first, 0) : last] = True
    wanted &= ~_closed(work, hidden)
    edges = np.flatnonzero(np.diff(wanted, prepend=False, append=False))
    return windows_of(work, tuple((int(first), int(last)) for first, last in edges.reshape(-1, 2)))


def context_sampling(work: Work) -> Sampling:
    """How context is read: as a draft, whatever the quality of what is written."""
    sampling = work.sampling(work.defaults.reading_steps)
    return replace(sampling, steps=work.defaults.reading_steps[0], guidance=0.0)


def read_context(
    work: Work, hidden: tuple[Region, ...], around: tuple[tuple[Window, ...], ...]
) -> tuple[NoteArray, list[Span]]:
    """Read the notes around hidden regions: rows (onset, offset, pitch, velocity), and what was read."""
    spans: list[Span] = []
    found = [np.zeros((0, 4))]
    if not around:
        return found[0], spans
    audible = torch.from_numpy(~_closed(work, hidden))[None].float().to(work.adapter.device)
    reading = Reading(context_sampling(work), audible=audible)
    for windows in around:
        read = [read_batch(work, batch, reading)[0] for batch in batches(windows, work.defaults.batch)]
        spans.append(Span(windows[0].first, (join(read),)))
        rows = work.adapter.decode(spans[-1].posteriors[0], work.thresholds())
        rows[:, :2] += windows[0].first / work.adapter.geometry.frame_rate
        found.append(rows)
    rows = to_array(tasks.kept(to_notes(np.concatenate(found)), work.regions))
    return as_played(rows), spans


def as_played(rows: NoteArray) -> NoteArray:
    """Let velocities differ as played ones do: what is heard of them is a mean of what may have been played."""
    if len(rows):
        mean = rows[:, 3].mean()
        spread = HEDGED * (mean - USUAL_VELOCITY) + HEDGED_WITHIN * (rows[:, 3] - mean)
        rows[:, 3] = np.clip(np.rint(USUAL_VELOCITY + spread), 1, 127)
    return rows


def _closed(work: Work, hidden: tuple[Region, ...]) -> npt.NDArray[np.bool_]:
    """The frames of a recording in which no pitch may be heard, (n_frames,) bool."""
    return np.logical_and.reduce(cells(work, hidden, work.n_frames), axis=0)
