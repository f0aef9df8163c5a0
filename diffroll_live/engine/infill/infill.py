"""Fills regions from the notes around them, block by block, and streams notes as they end."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.canvas import known_canvas
from diffroll_live.engine.features import Recording
from diffroll_live.engine.infill.blocks import block_frames
from diffroll_live.engine.infill.writer import InfillContext, Writer, WritingStyle
from diffroll_live.engine.plan import EnginePlan
from diffroll_live.engine.progress import Progress
from diffroll_live.engine.region_cells import region_cells
from diffroll_live.model.roll_targets import NoteArray, to_notes
from diffroll_live.music.regions import fit
from diffroll_live.types import NoteEvent

MARGIN = 4  # frames before a note that determine whether it begins there


def write_infills(
    plan: EnginePlan, recording: Recording, progress: Progress, given: NoteArray
) -> list[list[NoteEvent]]:
    """Write into the plan's infilled regions and stream notes as they end; return each variation's new notes.

    given: rows of the notes around the regions.
    """
    options = plan.request.options
    context = infill_context(plan, recording, progress, given)
    style = WritingStyle(options.temperature, plan.density)
    writer = Writer(plan.adapter, context, plan.infill_sampling, style, options.variations)
    around = to_notes(given)
    notes: list[list[NoteEvent]] = [[] for _ in range(options.variations)]
    ended = [EndedNotes(writer, variation) for variation in range(options.variations)]
    blocks = writer.blocks()
    progress.total = progress.done + len(blocks) * plan.infill_sampling.steps
    for number, (first, last) in enumerate(blocks):
        with progress.timed("sample"):
            writer.write(first, last, progress.evaluated)
        for variation, of_variation in enumerate(ended):
            with progress.timed("decode"):
                rows = of_variation.take(first, last, final=number == len(blocks) - 1)
                new = fit(to_notes(rows), plan.infilled, around, options.min_note) if len(rows) else ()
            notes[variation].extend(new)
            progress.send(variation, new)
    return notes


class EndedNotes:
    """Collects the notes of one variation from a writer as they end, each once, looking back as little as possible."""

    def __init__(self, writer: Writer, variation: int) -> None:
        self._writer, self._variation = writer, variation
        self._settled = 0  # every note that begins before this frame has been collected
        self._taken: set[tuple[int, int]] = set()  # pitch and onset frame of collected notes that begin later

    def take(self, first: int, last: int, *, final: bool) -> NoteArray:
        """Collect the notes that ended before ``first``, or all, after the block [first, last) has been written.

        Returns rows (onset s, offset s, pitch, velocity).
        """
        frame_rate = self._writer.adapter.geometry.frame_rate
        rows = self._writer.notes(self._variation, max(self._settled - MARGIN, 0), last)
        onset = np.rint(rows[:, 0] * frame_rate).astype(np.int64)
        keys = list(zip(rows[:, 2].astype(int).tolist(), onset.tolist(), strict=True))
        fresh = (onset >= self._settled) & np.array([key not in self._taken for key in keys], bool)
        done = final | (rows[:, 1] < (first - 1) / frame_rate)
        self._settled = int(onset[fresh & ~done].min(initial=first))
        self._taken |= {key for key, take in zip(keys, fresh & done, strict=True) if take}
        self._taken = {key for key in self._taken if key[1] >= self._settled}
        return rows[fresh & done]


def infill_evaluations(plan: EnginePlan) -> int:
    """The number of evaluations that writing takes."""
    frame_rate = plan.adapter.geometry.frame_rate
    lengths = [math.ceil(region.duration * frame_rate) for region in plan.infilled]
    return sum(math.ceil(n / block_frames(n)) for n in lengths) * plan.infill_sampling.steps


def infill_context(plan: EnginePlan, recording: Recording, progress: Progress, given: NoteArray) -> InfillContext:
    """The audio and notes around the infilled regions, and the cells to write; ``given`` are rows of notes."""
    adapter = plan.adapter
    canvas = known_canvas(adapter, plan.request.regions, given, plan.n_frames)
    n_frames = canvas.roll.shape[1]
    marked = torch.from_numpy(region_cells(adapter.geometry, plan.infilled, n_frames)).to(adapter.device)
    audible = torch.zeros(n_frames, device=adapter.device)
    audible[: plan.n_frames] = 1
    audible[marked.any(dim=0)] = 0
    features = _features_around(plan, recording, progress)
    return InfillContext(features, audible, canvas, marked & (canvas.known == 0), given)


def _features_around(plan: EnginePlan, recording: Recording, progress: Progress) -> Tensor:
    """Features, computed only within a window on both sides of the regions."""
    frame, window = plan.adapter.geometry.frame, plan.adapter.window_frames
    with progress.timed("frontend"):
        for region in plan.infilled:
            features = recording.features(frame(region.onset) - window, frame(region.offset) + window)
    return features
