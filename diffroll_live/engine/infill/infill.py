"""The tasks that write: notes are drawn into hidden regions and streamed, from what is known around them."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.infill.blocks import block_frames
from diffroll_live.engine.infill.writer import InfillContext, Writer, WritingStyle
from diffroll_live.engine.request_state import Work
from diffroll_live.engine.transcription import cells
from diffroll_live.engine.windowed_sampling import Canvas
from diffroll_live.model.roll_targets import NoteArray, target_of, to_notes
from diffroll_live.music import regions as tasks
from diffroll_live.music.roll import N_PITCHES
from diffroll_live.types import NoteEvent, Region

MARGIN = 4  # frames before a note that decide whether it begins there


def known_canvas(work: Work, notes: NoteArray) -> Canvas:
    """Draw what is known on a roll that covers the audio and the regions.

    Known are all cells up to the end of the audio and of the regions but those in regions; there, those of kept notes.
    """
    adapter, geometry = work.adapter, work.adapter.geometry
    end = max(geometry.n_frames(max(r.offset for r in work.regions)), work.n_frames)
    n_frames = max(end, adapter.window_frames)
    target = target_of(notes, geometry, n_frames)
    known = np.zeros((N_PITCHES, n_frames), np.float32)
    known[:, :end] = 1
    known[cells(work, work.regions, n_frames)] = 0
    np.maximum(known, (target.frame.T > 0), out=known)
    return Canvas(adapter.draw(target), torch.from_numpy(known).to(adapter.device))


def compose(work: Work, hidden: tuple[Region, ...], given: NoteArray) -> list[list[NoteEvent]]:
    """Write into hidden regions and stream the notes as they end; the new notes of each variation.

    given: rows of the notes that surround the regions.
    """
    options = work.options
    scene = infill_context(work, hidden, given)
    taste = WritingStyle(options.temperature, options.density * work.defaults.density)
    writer = Writer(work.adapter, scene, work.sampling(work.defaults.writing_steps), taste, options.variations)
    around = to_notes(given)
    notes: list[list[NoteEvent]] = [[] for _ in range(options.variations)]
    harvests = [EndedNotes(writer, variation) for variation in range(options.variations)]
    blocks = writer.blocks()
    work.total = work.done + len(blocks) * writer.sampling.steps
    for number, (first, last) in enumerate(blocks):
        with work.timed("sample"):
            writer.write(first, last, work.evaluated)
        for variation, harvest in enumerate(harvests):
            with work.timed("decode"):
                rows = harvest.ended(first, last, final=number == len(blocks) - 1)
                new = tasks.fit(to_notes(rows), hidden, around, options.min_note) if len(rows) else ()
            notes[variation].extend(new)
            work.send(variation, new)
    return notes


class EndedNotes:
    """Takes the notes of one variation off a writer as they end, each once, looking back no further than it must."""

    def __init__(self, writer: Writer, variation: int) -> None:
        self._writer, self._variation = writer, variation
        self._settled = 0  # every note that begins before this frame was taken
        self._taken: set[tuple[int, int]] = set()  # pitch and onset frame of those that begin later

    def ended(self, first: int, last: int, *, final: bool) -> NoteArray:
        """Take the notes that ended before ``first``, or all, when the block [first, last) has been written.

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


def planned_evaluations(work: Work, hidden: tuple[Region, ...]) -> int:
    """How many evaluations writing will take."""
    frame_rate = work.adapter.geometry.frame_rate
    lengths = [math.ceil(r.duration * frame_rate) for r in hidden]
    blocks = sum(math.ceil(n / block_frames(n)) for n in lengths)
    return blocks * work.sampling(work.defaults.writing_steps).steps if hidden else 0


def infill_context(work: Work, hidden: tuple[Region, ...], given: NoteArray) -> InfillContext:
    """What there is to hear and to write where ``given`` (rows) surrounds hidden regions."""
    canvas = known_canvas(work, given)
    n_frames = canvas.roll.shape[1]
    device = work.adapter.device
    marked = torch.from_numpy(cells(work, hidden, n_frames)).to(device)
    audible = torch.zeros(n_frames, device=device)
    audible[: work.n_frames] = 1
    audible[marked.any(dim=0)] = 0
    return InfillContext(_around(work, hidden), audible, canvas, marked & (canvas.known == 0), given)


def _around(work: Work, hidden: tuple[Region, ...]) -> Tensor:
    """Features of which those are worked out that a writer of regions looks at: a window on both sides, at most."""
    frame, window = work.adapter.geometry.frame, work.adapter.window_frames
    with work.timed("frontend"):
        for region in hidden:
            features = work.recording.features(frame(region.onset) - window, frame(region.offset) + window)
    return features
