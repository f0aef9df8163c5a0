"""Answers requests with a loaded network, and remembers what is needed to decode them again.

Torch lives here and below; sockets, MIDI and files do not.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch

from diffroll_live.composer.network import Composer
from diffroll_live.engine.bends import BendReader
from diffroll_live.engine.canvas import known_canvas
from diffroll_live.engine.defaults import Defaults
from diffroll_live.engine.features import Recording, Recordings
from diffroll_live.engine.infill.composing import compose
from diffroll_live.engine.infill.context import Reading, given_surroundings
from diffroll_live.engine.infill.meter import meter_for
from diffroll_live.engine.live.priority import PriorityGate
from diffroll_live.engine.live.transcriber import StreamingTranscriber
from diffroll_live.engine.out_of_memory import TOO_LITTLE, is_shortage
from diffroll_live.engine.pedal import pedal_of
from diffroll_live.engine.plan import EnginePlan, plan_for_model
from diffroll_live.engine.plot_data import pictures_of
from diffroll_live.engine.progress import Progress
from diffroll_live.engine.threads import ThreadChoice
from diffroll_live.engine.transcription import PosteriorSpan, decode_span, evaluations, region_windows, transcribe
from diffroll_live.engine.window_asks import WindowAsk
from diffroll_live.engine.window_batch import WindowBatch
from diffroll_live.engine.window_program import Programs
from diffroll_live.errors import DeviceMemory, RequestError, UnknownJob
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.decoding import Thresholds
from diffroll_live.model.roll_targets import to_array
from diffroll_live.music.beats import estimate_meter
from diffroll_live.music.pedal_pattern import carried_on
from diffroll_live.music.regions import fit, lasts
from diffroll_live.picture_types import Pictures
from diffroll_live.turn_types import Ask, Paused, alone
from diffroll_live.types import (
    Answer,
    Control,
    ModelInfo,
    NoteEvent,
    PedalSpan,
    Region,
    RequestPlan,
    Result,
    Timings,
)

REMEMBERED = 64  # finished requests that can be decoded again
REMEMBERED_BYTES = 400 * 2**20  # of their posteriors; the last request is remembered whatever its size


@dataclass(frozen=True, slots=True)
class Answered:
    """The remembered part of a finished request, to decode it again; posteriors stay on the device."""

    kept: tuple[NoteEvent, ...]
    seed: int
    thresholds: Thresholds
    windowed: tuple[Region, ...]
    spans: list[PosteriorSpan]  # of the windowed regions
    transcribed: list[list[NoteEvent]]  # one list per variation
    written: list[list[NoteEvent]]
    pedal: tuple[PedalSpan, ...]
    bend_reader: BendReader

    @property
    def n_bytes(self) -> int:
        """The size of the posteriors, and of audio that may be read again."""
        tensors = [part for span in self.spans for posterior in span.posteriors for part in posterior.parts()]
        return sum(tensor.nbytes for tensor in tensors) + self.bend_reader.n_bytes

    def variations(self) -> tuple[tuple[NoteEvent, ...], ...]:
        """All notes, sorted, one tuple per variation."""
        both = zip(self.transcribed, self.written, strict=True)
        return tuple(tuple(sorted([*self.kept, *transcribed, *written])) for transcribed, written in both)

    def decoded(self, adapter: ModelAdapter, threshold: float, min_note: float) -> Answered:
        """The same with other thresholds; written notes only obey ``min_note``, in seconds."""
        thresholds = replace(self.thresholds, onset=threshold, min_note=min_note)
        transcribed, written = [], []
        for variation, notes in enumerate(self.written):
            spans = [decode_span(adapter, span, variation, thresholds) for span in self.spans]
            new = [note for span in spans for note in fit(span, self.windowed, self.kept, min_note)]
            transcribed.append(new)
            written.append([note for note in notes if lasts(note, min_note)])
        return replace(self, thresholds=thresholds, transcribed=transcribed, written=written)


class TorchEngine:
    """Answers requests with one adapter, and a composer if there is one; not for several threads at once.

    ``abreast`` windows are sampled together, of one request or of several, by ``programs`` where the device replays
    them. ``threads`` chooses how many compute, unless the user has. ``preparations`` are done one by one when nothing
    waits.
    """

    def __init__(
        self,
        adapter: ModelAdapter,
        info: ModelInfo,
        defaults: Defaults,
        composer: Composer | None = None,
        threads: ThreadChoice | None = None,
        preparations: Iterable[Callable[[Control], object]] = (),
        *,
        abreast: int = 1,
        programs: Programs | None = None,
    ) -> None:
        self.adapter, self._info, self.defaults, self.composer = adapter, info, defaults, composer
        self.abreast, self._programs = abreast, programs
        self._threads, self._preparations = threads, deque(preparations)
        self._priority: PriorityGate | None = None  # of streams over requests, once there is one
        self._recordings = Recordings(adapter, defaults.gate)
        self._answered: OrderedDict[str, Answered] = OrderedDict()

    @property
    def info(self) -> ModelInfo:
        """The model that answers."""
        return self._info

    def run(self, plan: RequestPlan, control: Control) -> Result:
        """Answer a request at once. Raises errors.DiffrollError."""
        return alone(self, self.answer(plan, control))

    @torch.inference_mode()
    def answer(self, plan: RequestPlan, control: Control) -> Answer:
        """Answer a request in turns; see types.Engine."""
        begin = time.perf_counter()
        if plan.hidden and self.composer is None and not self.adapter.fills_hidden:
            raise RequestError(f"The model {self._info.name!r} has no composer; serve another to write notes.")
        progress = Progress(self.adapter, control)
        try:
            with progress.timed("frontend"):
                recording = self._recordings.of(plan.audio)
            engine_plan = plan_for_model(
                plan,
                self.adapter,
                self.defaults,
                recording.n_frames,
                composes=self.composer is not None,
                abreast=self.abreast,
            )
            if "trajectory" in plan.pictures:
                progress.follow(engine_plan.n_rolled, plan.kept)
            answered, pictures = yield from _answer(engine_plan, self.composer, recording, progress)
            bends = yield from answered.bend_reader.read(answered.transcribed, progress.check)
        except (RuntimeError, MemoryError) as error:
            if is_shortage(error):
                raise DeviceMemory(TOO_LITTLE) from error
            raise
        self._remember(plan.id, answered)
        timings = progress.timings(time.perf_counter() - begin)
        variations = answered.variations()
        return Result(plan.id, variations, answered.seed, timings, pictures, answered.pedal, bends)

    def gather(self, asks: Sequence[Ask]) -> WindowBatch:
        """Sample windows together; see turn_types.Computer."""
        first, *others = (ask for ask in asks if isinstance(ask, WindowAsk))
        together, room = [first], self.abreast - len(first.windows)
        for ask in others:
            if ask.kind == first.kind and len(ask.windows) <= room:
                together.append(ask)
                room -= len(ask.windows)
        watched = self._threads.watched if self._threads is not None else nullcontext
        return WindowBatch(self.adapter, together, self.abreast, self._programs, watched)

    @property
    def replays(self) -> bool:
        """Whether the device replays batches that come again."""
        return self._programs is not None

    def tune(self, control: Control) -> bool:
        """Warm one more shape, or choose the number of threads again; see types.Engine."""
        if self._preparations:
            self._preparations.popleft()(control)
        elif self._threads is not None and self._threads.due:
            self._threads.choose()
        else:
            return False
        return True

    @torch.inference_mode()
    def redecode(self, request_id: str, threshold: float, min_note: float) -> Result:
        """Decode a finished request again; see types.Engine. Notes that were written only obey ``min_note``."""
        begin = time.perf_counter()
        answered = self._answered.get(request_id)
        if answered is None:
            raise UnknownJob(f"The job {request_id!r} is no longer remembered; run it again.")
        decoded = answered.decoded(self.adapter, threshold, min_note)
        bends = alone(self, decoded.bend_reader.read(decoded.transcribed))
        seconds = time.perf_counter() - begin
        timings = Timings(decode=seconds, total=seconds)
        return Result(request_id, decoded.variations(), decoded.seed, timings, pedal=decoded.pedal, bends=bends)

    def open_stream(self, rate: int) -> StreamingTranscriber:
        """Open a live input; see types.Engine. The calling thread computes on one core from then on."""
        if not self.adapter.live_frames:
            raise RequestError(
                f"The model {self._info.name!r} cannot transcribe live; serve another one, such as compact."
            )
        torch.set_num_threads(1)  # of this thread alone: it must not wait for cores that a request is using
        if self._priority is None:
            self._priority = PriorityGate(self.adapter.network)
            StreamingTranscriber(self.adapter, self.defaults, rate, self._priority).warm_up()
        return StreamingTranscriber(self.adapter, self.defaults, rate, self._priority)

    def forget(self) -> None:
        """Drop what is kept of earlier requests."""
        self._answered.clear()
        self._recordings.forget()

    def _remember(self, request_id: str, answered: Answered) -> None:
        self._answered.pop(request_id, None)
        self._answered[request_id] = answered
        sizes = [kept.n_bytes for kept in self._answered.values()]
        while len(sizes) > 1 and (len(sizes) > REMEMBERED or sum(sizes) > REMEMBERED_BYTES):
            self._answered.popitem(last=False)
            del sizes[0]


def _answer(
    plan: EnginePlan, composer: Composer | None, recording: Recording, progress: Progress
) -> Paused[tuple[Answered, Pictures | None]]:
    kept, options = plan.request.kept, plan.request.options
    windows, reading = region_windows(plan), Reading(plan)
    to_hear = evaluations(plan, windows, plan.window_sampling.steps * options.variations)
    progress.total = to_hear + reading.evaluations(recording)
    around = given_surroundings(plan) if kept else (yield from reading.read(recording, progress))
    meter = meter_for(plan.request, around.notes)
    if plan.request.hidden:
        progress.grid(meter)
    for variation in range(options.variations):
        progress.send(variation, kept)
    known = to_array(kept)
    canvas = known_canvas(plan.adapter, plan.request.regions, known, plan.n_frames) if kept and windows else None
    transcribed, spans = yield from transcribe(plan, recording, progress, windows, canvas)
    written: list[list[NoteEvent]] = [[] for _ in range(options.variations)]
    if composer is not None and plan.infilled:
        written = yield from compose(plan, composer, meter, progress, around, transcribed)
    if not plan.request.hidden:
        progress.grid(plan.request.meter or estimate_meter(to_array([*kept, *transcribed[0]])))
    pedal = pedal_of(spans, plan.request, plan.adapter.geometry.frame_rate)
    if composer is not None and options.pedal == "on":
        pedal = carried_on(plan.request, pedal, meter)
    reader = BendReader(plan.request, recording.resampled if options.bend == "on" else None)
    answered = Answered(kept, options.seed, plan.thresholds, plan.windowed, spans, transcribed, written, pedal, reader)
    return answered, pictures_of(plan, recording, [*spans, *around.sampled], written[0], progress.trail)
