"""Requests to results on a warm network: what to read, what to write, in which order, and what is remembered of it.

Torch lives here and below; sockets, MIDI and files do not.
"""

from __future__ import annotations

import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diffroll_live import tasks
from diffroll_live.composition import compose, context_windows, known_canvas, planned_evaluations, surroundings
from diffroll_live.errors import DeviceMemory, UnknownJob
from diffroll_live.frontend import resample
from diffroll_live.notes import to_array
from diffroll_live.pictures import pictures_of
from diffroll_live.reading import gate
from diffroll_live.transcription import Span, decode_again, evaluations, stretches, transcribe, windows_of
from diffroll_live.types import AudioBuffer, Control, ModelInfo, NoteEvent, Pictures, Region, Request, Result
from diffroll_live.voices.voice import Voice
from diffroll_live.work import Defaults, Work

REMEMBERED = 16  # finished requests that can be decoded again


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept of a finished request to decode it again; posteriors stay on the device."""

    work: Work
    heard: tuple[Region, ...]
    spans: list[Span]
    read: list[list[NoteEvent]]  # one list a variation
    drawn: list[list[NoteEvent]]


class TorchEngine:
    """Answers requests with one voice; not for several threads at once."""

    def __init__(self, voice: Voice, info: ModelInfo, defaults: Defaults) -> None:
        self.voice, self._info, self.defaults = voice, info, defaults
        self._last: tuple[tuple[int, int, int], Tensor, Tensor] | None = None
        self._memory: OrderedDict[str, Memory] = OrderedDict()

    @property
    def info(self) -> ModelInfo:
        """The model that answers."""
        return self._info

    @torch.inference_mode()
    def run(self, request: Request, control: Control) -> Result:
        """Answer a request; see types.Engine. Raises errors.DiffrollError."""
        begin = time.perf_counter()
        tasks.check(request, self._info.max_seconds)
        regions = tasks.written_regions(request)
        work = Work(request, control, self.voice, self.defaults, regions, tasks.kept(request.known, regions))
        try:
            memory = self._answer(work)
        except torch.OutOfMemoryError as error:
            raise DeviceMemory(
                "The device has too little free memory for one window; close other programs or use --device cpu."
            ) from error
        self._memory[request.id] = memory
        while len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)
        variations = [[*work.keep, *read, *drawn] for read, drawn in zip(memory.read, memory.drawn, strict=True)]
        return _result(work, variations, begin, pictures_of(work, memory.spans))

    @torch.inference_mode()
    def redecode(self, request_id: str, threshold: float, min_note: float) -> Result:
        """Decode a finished request again; notes that were drawn, not heard, only obey ``min_note``."""
        begin = time.perf_counter()
        memory = self._memory.get(request_id)
        if memory is None:
            raise UnknownJob(f"The job {request_id!r} is no longer remembered; run it again.")
        work = memory.work
        options = replace(work.options, threshold=threshold, min_note=min_note)
        tasks.check_options(options)
        again = replace(work, request=replace(work.request, options=options))
        variations = []
        for variation, drawn in enumerate(memory.drawn):
            read = decode_again(again, memory.spans, variation, memory.heard)
            long_enough = [note for note in drawn if note.duration >= min_note]
            variations.append([*work.keep, *read, *long_enough])
        return _result(again, variations, begin, None)

    def forget(self) -> None:
        """Drop what is kept of earlier requests."""
        self._memory.clear()
        self._last = None

    def _answer(self, work: Work) -> Memory:
        request = work.request
        with work.timed("frontend"):
            work.features, work.loud = self._listen(request.audio)
        heard = tuple(r for r in work.regions if request.task == "transcribe" or r.hear)
        hidden = tuple(r for r in work.regions if r not in heard)
        count = request.options.variations
        around = context_windows(work, hidden)
        work.total = evaluations(work, windows_of(work, stretches(heard, work, 0.0)), count)
        work.total += evaluations(work, around, 1) + planned_evaluations(work, hidden)
        for variation in range(count):
            work.send(variation, work.keep)
        empty: list[list[NoteEvent]] = [[] for _ in range(count)]
        canvas = known_canvas(work, to_array(work.keep)) if work.keep and heard else None
        read, spans = transcribe(work, heard, canvas) if heard else (empty, [])
        given = to_array(work.keep) if work.keep else surroundings(work, around)
        drawn = compose(work, hidden, given) if hidden else empty
        return Memory(work, heard, spans, read, drawn)

    def _listen(self, audio: AudioBuffer | None) -> tuple[Tensor | None, Tensor | None]:
        """Features of a recording and where it is loud enough; kept for the next request on the same audio."""
        if audio is None:
            return None, None
        key = zlib.crc32(audio.samples.tobytes()), len(audio.samples), audio.sample_rate
        if self._last is None or self._last[0] != key:
            geometry = self.voice.geometry
            samples = torch.from_numpy(audio.samples).to(self.voice.device)
            samples = resample(samples, audio.sample_rate, geometry.sample_rate)
            self._last = key, self.voice.features(samples), gate(samples, geometry, self.defaults.gate)
        return self._last[1], self._last[2]


def _result(work: Work, variations: list[list[NoteEvent]], begin: float, pictures: Pictures | None) -> Result:
    notes = tuple(tuple(sorted(v)) for v in variations)
    timings = work.timings(time.perf_counter() - begin)
    return Result(work.request.id, notes, work.options.seed, timings, pictures)
