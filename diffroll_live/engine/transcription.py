"""The tasks that hear: regions of a recording to notes, streamed while later windows are still being read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from torch import Tensor

from diffroll_live.engine.note_stream import NoteStream
from diffroll_live.engine.out_of_memory import TOO_LITTLE, is_shortage
from diffroll_live.engine.request_state import Work
from diffroll_live.engine.windowed_sampling import Canvas, Sampling, batches, read
from diffroll_live.engine.windows import Window, plan
from diffroll_live.errors import DeviceMemory
from diffroll_live.model.decoding import Posterior, join
from diffroll_live.model.roll_targets import NoteArray, to_notes
from diffroll_live.music import regions as tasks
from diffroll_live.music.roll import LOW_PITCH, N_PITCHES
from diffroll_live.types import NoteEvent, Region

AROUND = 8  # frames read beyond a region, so that an onset on its edge is a peak


@dataclass(frozen=True, slots=True)
class Reading:
    """How windows are read; ``audible`` (1 or 88, n_frames) of 0 and 1 is where the audio may be heard, all if None."""

    sampling: Sampling
    variations: int = 1
    canvas: Canvas | None = None
    audible: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch that was read: its first frame and one Posterior a variation."""

    first: int
    posteriors: tuple[Posterior, ...]


def cells(work: Work, regions: tuple[Region, ...], n_frames: int) -> np.ndarray:
    """Mark the cells of regions: (88, n_frames) bool."""
    marked = np.zeros((N_PITCHES, n_frames), bool)
    for region in regions:
        first, last = work.adapter.geometry.frame(region.onset), work.adapter.geometry.frame(region.offset)
        marked[region.low - LOW_PITCH : region.high - LOW_PITCH + 1, first:last] = True
    return marked


def stretches(regions: tuple[Region, ...], work: Work, around: float) -> tuple[tuple[int, int], ...]:
    """The frames (first, last) that regions cover with ``around`` seconds on both sides, merged where they touch."""
    geometry, merged = work.adapter.geometry, list[tuple[int, int]]()
    for region in sorted(regions, key=lambda r: r.onset):
        first = max(geometry.frame(region.onset - around), 0)
        last = min(geometry.frame(region.offset + around), work.n_readable)
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        elif first < last:
            merged.append((first, last))
    return tuple(merged)


def windows_of(work: Work, frames: tuple[tuple[int, int], ...]) -> tuple[tuple[Window, ...], ...]:
    """The windows that cover each stretch."""
    adapter = work.adapter
    return tuple(plan(a, b, work.n_readable, adapter.window_frames, adapter.margin_frames) for a, b in frames)


def evaluations(work: Work, windows: tuple[tuple[Window, ...], ...], steps: int) -> int:
    """How many evaluations the windows will take, of ``steps`` each."""
    return sum(len(list(batches(w, work.defaults.batch))) for w in windows) * steps


def reading_windows(work: Work, regions: tuple[Region, ...]) -> tuple[tuple[Window, ...], ...]:
    """The windows that read regions and a little around them, stretch by stretch."""
    return windows_of(work, stretches(regions, work, AROUND / work.adapter.geometry.frame_rate))


def transcribe(
    work: Work, regions: tuple[Region, ...], canvas: Canvas | None
) -> tuple[list[list[NoteEvent]], list[Span]]:
    """Read regions that may be heard and stream their notes.

    Returns the notes of each variation, and the spans, which can be decoded again.
    """
    variations = work.options.variations
    reading = Reading(work.sampling(work.defaults.reading_steps), variations, canvas, work.audible)
    notes: list[list[NoteEvent]] = [[] for _ in range(variations)]
    spans: list[Span] = []

    def deliver(variation: int, rows: NoteArray) -> None:
        new = tasks.fit(to_notes(rows), regions, work.keep, work.options.min_note)
        notes[variation].extend(new)
        work.send(variation, new)

    for windows in reading_windows(work, regions):
        first = windows[0].first
        streams = [_stream(work, first) for _ in range(variations)]
        parts: list[list[Posterior]] = [[] for _ in range(variations)]
        for batch in batches(windows, work.defaults.batch):
            for variation, posterior in enumerate(read_batch(work, batch, reading)):
                parts[variation].append(posterior)
                with work.timed("decode"):
                    rows = streams[variation].push(posterior)
                deliver(variation, rows)
        for variation, stream in enumerate(streams):
            with work.timed("decode"):
                rows = stream.finish()
            deliver(variation, rows)
        spans.append(Span(first, tuple(join(p) for p in parts)))
    return notes, spans


def read_batch(work: Work, windows: list[Window], reading: Reading) -> list[Posterior]:
    """Read windows together and silence what is too quiet to be heard; one Posterior a variation.

    Where memory is short the windows are read in halves. Raises DeviceMemory when a single one does not fit.
    """
    begun = work.done
    try:
        return _read_at_once(work, windows, reading)
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
        if len(windows) == 1:
            raise DeviceMemory(TOO_LITTLE) from error
    # Out here the failed attempt's tensors are gone.
    work.total += work.done - begun + reading.sampling.steps * reading.variations
    half = len(windows) // 2
    halves = [read_batch(work, part, reading) for part in (windows[:half], windows[half:])]
    return [join(list(pair)) for pair in zip(*halves, strict=True)]


def _read_at_once(work: Work, windows: list[Window], reading: Reading) -> list[Posterior]:
    begin, end = windows[0].begin, windows[-1].begin + work.adapter.window_frames
    with work.timed("frontend"):
        features = work.recording.features(begin, end)
        believable = work.believable(windows[0].first, windows[-1].last)
    with work.timed("sample"):
        posteriors = read(
            work.adapter,
            features,
            windows,
            reading.sampling,
            variations=reading.variations,
            canvas=reading.canvas,
            audible=reading.audible,
            callback=work.evaluated,
        )
    return [replace(posterior, onset=posterior.onset * believable) for posterior in posteriors]


def _stream(work: Work, first: int) -> NoteStream:
    thresholds = work.thresholds()
    decode = partial(work.adapter.decode, thresholds=replace(thresholds, min_note=0.0))
    return NoteStream(decode, work.adapter.geometry.frame_rate, first, thresholds.min_note)


def decode_again(work: Work, spans: list[Span], variation: int, regions: tuple[Region, ...]) -> tuple[NoteEvent, ...]:
    """Decode spans with the thresholds of ``work``, without sampling."""
    notes: list[NoteEvent] = []
    for span in spans:
        stream = _stream(work, span.first)
        for rows in (stream.push(span.posteriors[variation]), stream.finish()):
            notes.extend(tasks.fit(to_notes(rows), regions, work.keep, work.options.min_note))
    return tuple(notes)
