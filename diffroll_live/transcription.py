"""The tasks that hear: regions of a recording to notes, streamed while later windows are still being read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diffroll_live import tasks
from diffroll_live.decoding import Posterior, decode, join
from diffroll_live.note_stream import NoteStream
from diffroll_live.notes import NoteArray, to_notes
from diffroll_live.reading import Canvas, batches, read
from diffroll_live.types import NoteEvent, Region
from diffroll_live.windows import Window, plan
from diffroll_live.work import Work

AROUND = 8  # frames read beyond a region, so that an onset on its edge is a peak


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch that was read: its first frame and one Posterior a variation."""

    first: int
    posteriors: tuple[Posterior, ...]


def stretches(regions: tuple[Region, ...], work: Work, around: float) -> tuple[tuple[int, int], ...]:
    """The frames (first, last) that regions cover with ``around`` seconds on both sides, merged where they touch."""
    geometry, merged = work.voice.geometry, list[tuple[int, int]]()
    for region in sorted(regions, key=lambda r: r.onset):
        first = max(geometry.frame(region.onset - around), 0)
        last = min(geometry.frame(region.offset + around), work.n_frames)
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        elif first < last:
            merged.append((first, last))
    return tuple(merged)


def windows_of(work: Work, frames: tuple[tuple[int, int], ...]) -> tuple[tuple[Window, ...], ...]:
    """The windows that cover each stretch."""
    voice = work.voice
    return tuple(plan(a, b, work.n_frames, voice.window_frames, voice.margin_frames) for a, b in frames)


def evaluations(work: Work, windows: tuple[tuple[Window, ...], ...], variations: int) -> int:
    """How many evaluations the windows will take."""
    steps = work.sampling(work.defaults.reading_steps).steps
    return sum(len(list(batches(w, work.defaults.batch))) for w in windows) * steps * variations


def transcribe(work: Work, regions: tuple[Region, ...], canvas: Canvas | None) -> tuple[list[list[NoteEvent]], list[Span]]:
    """Read regions that may be heard and stream their notes.

    Returns the notes of each variation, and the spans, which can be decoded again.
    """
    variations = work.options.variations
    notes: list[list[NoteEvent]] = [[] for _ in range(variations)]
    spans: list[Span] = []

    def deliver(variation: int, rows: NoteArray) -> None:
        new = tasks.fit(to_notes(rows), regions, work.keep)
        notes[variation].extend(new)
        work.send(variation, new)

    for windows in windows_of(work, stretches(regions, work, AROUND / work.voice.geometry.frame_rate)):
        first = windows[0].first
        streams = [NoteStream(work.voice.geometry, work.thresholds(), first) for _ in range(variations)]
        parts: list[list[Posterior]] = [[] for _ in range(variations)]
        for batch in batches(windows, work.defaults.batch):
            for variation, posterior in enumerate(read_batch(work, batch, variations, canvas)):
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


def read_batch(work: Work, windows: list[Window], variations: int, canvas: Canvas | None) -> list[Posterior]:
    """Read windows together and silence what is too quiet to be heard; one Posterior a variation."""
    assert work.features is not None and work.loud is not None
    sampling = work.sampling(work.defaults.reading_steps)
    with work.timed("sample"):
        read_now = read(
            work.voice, work.features, windows, sampling, variations=variations, canvas=canvas, callback=work.evaluated
        )
    loud = work.loud[windows[0].first : windows[-1].last, None]
    return [replace(posterior, onset=posterior.onset * loud) for posterior in read_now]


def decode_again(work: Work, spans: list[Span], variation: int, regions: tuple[Region, ...]) -> tuple[NoteEvent, ...]:
    """Decode spans with the thresholds of ``work``, without sampling."""
    notes: list[NoteEvent] = []
    for span in spans:
        rows = decode(span.posteriors[variation], work.voice.geometry, work.thresholds())
        rows[:, :2] += span.first / work.voice.geometry.frame_rate
        notes.extend(tasks.fit(to_notes(rows), regions, work.keep))
    return tuple(notes)
