"""The tasks that write: notes are drawn into hidden regions and streamed, from what is known around them."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from diffroll_live import tasks
from diffroll_live.notes import NoteArray, target_of, to_notes
from diffroll_live.reading import Canvas
from diffroll_live.roll import N_PITCHES
from diffroll_live.transcription import cells
from diffroll_live.types import NoteEvent, Region
from diffroll_live.work import Work
from diffroll_live.writing import BLOCK_FRAMES, Scene, Taste, Writer


def known_canvas(work: Work, notes: NoteArray) -> Canvas:
    """Draw what is known on a roll that covers the audio and the regions.

    Known are all cells of the audio's time but those of the regions; within a region, those of kept notes.
    """
    voice, geometry = work.voice, work.voice.geometry
    end = max(geometry.n_frames(max(r.offset for r in work.regions)), work.n_frames)
    n_frames = max(end, voice.window_frames)
    target = target_of(notes, geometry, n_frames)
    known = np.zeros((N_PITCHES, n_frames), np.float32)
    known[:, : work.n_frames] = 1
    known[cells(work, work.regions, n_frames)] = 0
    np.maximum(known, (target.frame.T > 0), out=known)
    return Canvas(voice.draw(target), torch.from_numpy(known).to(voice.device))


def compose(work: Work, hidden: tuple[Region, ...], given: NoteArray) -> list[list[NoteEvent]]:
    """Write into hidden regions and stream the notes as they end; the new notes of each variation.

    given: rows of the notes that surround the regions.
    """
    options = work.options
    scene = _scene(work, hidden, given)
    taste = Taste(options.temperature, options.density * work.defaults.density)
    writer = Writer(work.voice, scene, work.sampling(work.defaults.writing_steps), taste, options.variations)
    notes: list[list[NoteEvent]] = [[] for _ in range(options.variations)]
    blocks = writer.blocks()
    work.total = work.done + len(blocks) * writer.sampling.steps
    for number, (first, last) in enumerate(blocks):
        with work.timed("sample"):
            writer.write(first, last, work.evaluated)
        with work.timed("decode"):
            final = number == len(blocks) - 1
            fresh = [_ended(work, writer, v, hidden, None if final else first) for v in range(options.variations)]
        for variation, rows in enumerate(fresh):
            new = tuple(n for n in rows if n not in notes[variation])
            notes[variation].extend(new)
            work.send(variation, new)
    return notes


def planned_evaluations(work: Work, hidden: tuple[Region, ...]) -> int:
    """How many evaluations writing will take."""
    frame_rate = work.voice.geometry.frame_rate
    blocks = sum(math.ceil(r.duration * frame_rate / BLOCK_FRAMES) for r in hidden)
    return blocks * work.sampling(work.defaults.writing_steps).steps if hidden else 0


def _scene(work: Work, hidden: tuple[Region, ...], given: NoteArray) -> Scene:
    canvas = known_canvas(work, given)
    n_frames = canvas.roll.shape[1]
    device = work.voice.device
    marked = torch.from_numpy(cells(work, hidden, n_frames)).to(device)
    audible = torch.zeros(n_frames, device=device)
    audible[: work.n_frames] = 1
    audible[marked.any(dim=0)] = 0
    return Scene(_around(work, hidden), audible, canvas, marked & (canvas.known == 0))


def _around(work: Work, hidden: tuple[Region, ...]) -> Tensor:
    """Features of which those are worked out that a writer of regions looks at: a window on both sides, at most."""
    frame, window = work.voice.geometry.frame, work.voice.window_frames
    with work.timed("frontend"):
        for region in hidden:
            features = work.recording.features(frame(region.onset) - window, frame(region.offset) + window)
    return features


def _ended(
    work: Work, writer: Writer, variation: int, hidden: tuple[Region, ...], before: int | None
) -> tuple[NoteEvent, ...]:
    """The notes written so far that end before a frame, or all of them."""
    first = min(work.voice.geometry.frame(r.onset) for r in hidden)
    last = max(work.voice.geometry.frame(r.offset) for r in hidden)
    rows = writer.notes(variation, first, last)
    if before is not None:
        rows = rows[rows[:, 1] < (before - 1) / work.voice.geometry.frame_rate]
    return tasks.fit(to_notes(rows), hidden, work.keep, work.options.min_note)
