"""Requests to results on a warm network: what to read, what to write, in which order, and what is remembered of it.

Torch lives here and below; sockets, MIDI and files do not.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from weakref import WeakSet

import torch

from diffroll_live.engine.features import Recording, silence
from diffroll_live.engine.infill.context import context_sampling, context_windows, read_context
from diffroll_live.engine.infill.infill import compose, known_canvas, planned_evaluations
from diffroll_live.engine.live.priority import PriorityGate
from diffroll_live.engine.live.transcriber import StreamingTranscriber
from diffroll_live.engine.masks import conceal
from diffroll_live.engine.out_of_memory import TOO_LITTLE, is_shortage
from diffroll_live.engine.plot_data import pictures_of
from diffroll_live.engine.request_state import Defaults, Work
from diffroll_live.engine.transcription import Span, decode_again, evaluations, reading_windows, transcribe
from diffroll_live.errors import DeviceMemory, RequestError, UnknownJob
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.roll_targets import to_array
from diffroll_live.music import regions as tasks
from diffroll_live.types import AudioBuffer, Control, ModelInfo, NoteEvent, Pictures, Region, Request, Result

REMEMBERED = 16  # finished requests that can be decoded again
REMEMBERED_BYTES = 400 * 2**20  # of their posteriors; the last request is remembered whatever its size


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept of a finished request to decode it again; posteriors stay on the device."""

    work: Work
    heard: tuple[Region, ...]
    spans: list[Span]
    read: list[list[NoteEvent]]  # one list a variation
    drawn: list[list[NoteEvent]]

    @property
    def n_bytes(self) -> int:
        """The size of the posteriors."""
        tensors = [part for span in self.spans for posterior in span.posteriors for part in posterior.parts()]
        return sum(tensor.nbytes for tensor in tensors)


class TorchEngine:
    """Answers requests with one adapter; not for several threads at once."""

    def __init__(self, adapter: ModelAdapter, info: ModelInfo, defaults: Defaults) -> None:
        self.adapter, self._info, self.defaults = adapter, info, defaults
        self._precedence: PriorityGate | None = None  # of ears over requests, once there is one
        self._ears: WeakSet[StreamingTranscriber] = WeakSet()
        self._last: Recording | None = None
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
        try:
            work = self._work(request, control)
            memory, pictures = self._answer(work)
        except (RuntimeError, MemoryError) as error:
            if is_shortage(error):
                raise DeviceMemory(TOO_LITTLE) from error
            raise
        variations = [[*work.keep, *read, *drawn] for read, drawn in zip(memory.read, memory.drawn, strict=True)]
        result = _result(work, variations, begin, pictures)
        self._remember(request.id, memory)
        return result

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
            long_enough = [note for note in drawn if tasks.lasts(note, min_note)]
            variations.append([*work.keep, *read, *long_enough])
        return _result(again, variations, begin, None)

    def listen(self, rate: int) -> StreamingTranscriber:
        """Make an ear for a live input; see types.Engine. The calling thread computes on one core from then on."""
        if not self.adapter.live_frames:
            raise RequestError(f"The model {self._info.name!r} cannot hear live; serve another one, such as compact.")
        torch.set_num_threads(1)  # of this thread alone: it must not wait for cores that a request is using
        if self._precedence is None:
            self._precedence = PriorityGate(self.adapter.network)
            StreamingTranscriber(self.adapter, self.defaults, rate, self._precedence).warm_up()
        ear = StreamingTranscriber(self.adapter, self.defaults, rate, self._precedence)
        self._ears.add(ear)
        return ear

    def forget(self) -> None:
        """Drop what is kept of earlier requests."""
        self._memory.clear()
        self._last = None

    def _work(self, request: Request, control: Control) -> Work:
        """Hear what the request brings."""
        begin = time.perf_counter()
        regions = tasks.written_regions(request)
        keep = tasks.kept(request.known, regions)
        # While somebody is listening, windows go one at a time, for a layer of fewer is done sooner.
        defaults = replace(self.defaults, batch=1) if self._ears else self.defaults
        work = Work(request, control, self.adapter, defaults, regions, keep, self._listen(request.audio))
        work.seconds["frontend"] = time.perf_counter() - begin
        return work

    def _answer(self, work: Work) -> tuple[Memory, Pictures | None]:
        count = work.options.variations
        hidden = tasks.hidden_regions(work.request, work.regions)
        if hidden and not self.adapter.writes_in_blocks:
            conceal(work, hidden)
        drawn_regions = hidden if self.adapter.writes_in_blocks else ()
        read_regions = tuple(r for r in work.regions if r not in drawn_regions)
        around = context_windows(work, drawn_regions)
        steps = work.sampling(self.defaults.reading_steps).steps
        work.total = evaluations(work, reading_windows(work, read_regions), steps * count)
        work.total += evaluations(work, around, context_sampling(work).steps)
        work.total += planned_evaluations(work, drawn_regions)
        for variation in range(count):
            work.send(variation, work.keep)
        empty: list[list[NoteEvent]] = [[] for _ in range(count)]
        canvas = known_canvas(work, to_array(work.keep)) if work.keep and read_regions else None
        read, spans = transcribe(work, read_regions, canvas) if read_regions else (empty, [])
        surroundings, context = read_context(work, drawn_regions, around)
        given = to_array(work.keep) if work.keep else surroundings
        drawn = compose(work, drawn_regions, given) if drawn_regions else empty
        pictures = pictures_of(work, [*spans, *context], drawn_regions, drawn[0])
        return Memory(work, read_regions, spans, read, drawn), pictures

    def _remember(self, request_id: str, memory: Memory) -> None:
        memory.work.rest()
        self._memory.pop(request_id, None)
        self._memory[request_id] = memory
        sizes = [kept.n_bytes for kept in self._memory.values()]
        while len(sizes) > 1 and (len(sizes) > REMEMBERED or sum(sizes) > REMEMBERED_BYTES):
            self._memory.popitem(last=False)
            del sizes[0]

    def _listen(self, audio: AudioBuffer | None) -> Recording:
        """The recording to hear, the last one again where it has the same samples."""
        if audio is None:
            return silence(self.adapter)
        if self._last is None or not self._last.holds(audio):
            self._last = Recording(audio, self.adapter, self.defaults.gate)
        return self._last


def _result(work: Work, variations: list[list[NoteEvent]], begin: float, pictures: Pictures | None) -> Result:
    notes = tuple(tuple(sorted(v)) for v in variations)
    timings = work.timings(time.perf_counter() - begin)
    return Result(work.request.id, notes, work.options.seed, timings, pictures)
