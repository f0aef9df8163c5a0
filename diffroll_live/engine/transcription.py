"""Regions that are answered window by window: their notes are streamed while later windows are still sampled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from diffroll_live.engine.canvas import Canvas
from diffroll_live.engine.features import Recording
from diffroll_live.engine.note_stream import NoteStream
from diffroll_live.engine.plan import EnginePlan
from diffroll_live.engine.progress import Progress
from diffroll_live.engine.region_cells import FrameSpan, frame_spans
from diffroll_live.engine.window_asks import WindowAsk, WindowConditions
from diffroll_live.engine.windows import Window, batches, cover
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.decoding import Posterior, Thresholds, join
from diffroll_live.model.roll_targets import NoteArray, to_notes
from diffroll_live.music.regions import fit
from diffroll_live.turn_types import Paused
from diffroll_live.types import NoteEvent

AROUND = 8  # frames beyond a region, so that an onset on its edge is a peak

SpanWindows = tuple[tuple[Window, ...], ...]
"""The windows that cover each of several spans of frames."""


@dataclass(frozen=True, slots=True)
class PosteriorSpan:
    """A span of frames that was sampled: its first frame and one Posterior per variation."""

    first: int
    posteriors: tuple[Posterior, ...]


def windows_over(plan: EnginePlan, spans: tuple[FrameSpan, ...]) -> SpanWindows:
    """The windows that cover spans of frames."""
    adapter = plan.adapter
    return tuple(cover(a, b, plan.n_readable, adapter.window_frames, adapter.margin_frames) for a, b in spans)


def region_windows(plan: EnginePlan) -> SpanWindows:
    """The windows that cover the plan's windowed regions and a little around them."""
    geometry = plan.adapter.geometry
    return windows_over(plan, frame_spans(geometry, plan.windowed, plan.n_readable, AROUND / geometry.frame_rate))


def evaluations(plan: EnginePlan, windows: SpanWindows, steps: int) -> int:
    """The number of evaluations for windows with ``steps`` each."""
    return sum(len(list(batches(w, plan.abreast))) for w in windows) * steps


def transcribe(
    plan: EnginePlan, recording: Recording, progress: Progress, windows: SpanWindows, canvas: Canvas | None
) -> Paused[tuple[list[list[NoteEvent]], list[PosteriorSpan]]]:
    """Answer the plan's windowed regions, which ``windows`` cover, and stream their notes.

    Returns the notes of each variation, and the spans, which can be decoded again.
    """
    request, variations = plan.request, plan.request.options.variations
    audible = plan.masks.audible if plan.masks is not None else None
    conditions = WindowConditions(plan.window_sampling, variations, canvas, audible)
    notes: list[list[NoteEvent]] = [[] for _ in range(variations)]
    spans: list[PosteriorSpan] = []

    def deliver(variation: int, rows: NoteArray) -> None:
        new = fit(to_notes(rows), plan.windowed, request.kept, request.options.min_note)
        notes[variation].extend(new)
        progress.send(variation, new)

    for span in windows:
        first = span[0].first
        streams = [_stream(plan.adapter, plan.thresholds, first) for _ in range(variations)]
        parts: list[list[Posterior]] = [[] for _ in range(variations)]
        for batch in batches(span, plan.abreast):
            posteriors = yield from sample(plan, recording, progress, batch, conditions)
            for variation, posterior in enumerate(posteriors):
                parts[variation].append(posterior)
                with progress.timed("decode"):
                    rows = streams[variation].push(posterior)
                deliver(variation, rows)
        for variation, stream in enumerate(streams):
            with progress.timed("decode"):
                rows = stream.finish()
            deliver(variation, rows)
        spans.append(PosteriorSpan(first, tuple(join(p) for p in parts)))
    return notes, spans


def sample(
    plan: EnginePlan, recording: Recording, progress: Progress, windows: list[Window], conditions: WindowConditions
) -> Paused[list[Posterior]]:
    """Have windows sampled and remove onsets where it is too quiet for any; one Posterior per variation."""
    with progress.timed("frontend"):
        features = recording.features(windows[0].begin, windows[-1].begin + plan.adapter.window_frames)
        possible = _possible_onsets(plan, recording, windows[0].first, windows[-1].last)
    ask = WindowAsk(features, tuple(windows), conditions, progress)
    yield ask
    return [replace(posterior, onset=posterior.onset * possible) for posterior in ask.posteriors]


def _possible_onsets(plan: EnginePlan, recording: Recording, first: int, last: int) -> Tensor:
    """Where onsets can be in frames [first, last): where it is loud, or hidden; (n_frames, 1 or 88) bool."""
    loud = recording.loud(first, last)
    if plan.masks is None:
        return loud
    return torch.nn.functional.pad(loud, (0, 0, 0, last - first - len(loud))) | plan.masks.hidden[first:last]


def _stream(adapter: ModelAdapter, thresholds: Thresholds, first: int) -> NoteStream:
    decode = partial(adapter.decode, thresholds=replace(thresholds, min_note=0.0))
    return NoteStream(decode, adapter.geometry.frame_rate, first, thresholds.min_note)


def decode_span(
    adapter: ModelAdapter, span: PosteriorSpan, variation: int, thresholds: Thresholds
) -> tuple[NoteEvent, ...]:
    """Decode a span again, with other thresholds, without sampling."""
    stream = _stream(adapter, thresholds, span.first)
    return tuple(note for rows in (stream.push(span.posteriors[variation]), stream.finish()) for note in to_notes(rows))
