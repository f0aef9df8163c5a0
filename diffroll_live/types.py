"""The nouns that cross modules, threads and processes: frozen, small, free of torch.

All times are seconds on the axis of the audio buffer (0 = its first sample) unless a field says otherwise.
Pitches are MIDI numbers, 21 (A0) to 108 (C8). Velocities are MIDI, 1 to 127.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from diffroll_live.limits import AS_AROUND, REQUEST, Controls
from diffroll_live.live_types import LiveTranscriber
from diffroll_live.notation.pitches import PitchRange
from diffroll_live.notation.scales import Scale
from diffroll_live.picture_types import Estimate, Pictures
from diffroll_live.turn_types import Ask, Batch, Paused

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from diffroll_live.meter.meter_map import MeterMap

    Floats = npt.NDArray[np.float32]
else:
    Floats = Any  # commands that need no arrays start sooner without numpy

Task = Literal["transcribe", "inpaint", "continue", "generate"]
TASKS: tuple[Task, ...] = ("transcribe", "inpaint", "continue", "generate")

OnOff = Literal["on", "off"]

Quality = Literal["draft", "live", "best"]
QUALITIES: tuple[Quality, ...] = get_args(Quality)


@dataclass(frozen=True, slots=True, order=True)
class NoteEvent:
    """One note: ``onset`` and ``offset`` in seconds, sounding in between."""

    onset: float
    offset: float
    pitch: int
    velocity: int
    channel: int = 0  # 0..15

    @property
    def duration(self) -> float:
        """Seconds from onset to offset."""
        return self.offset - self.onset


@dataclass(frozen=True, slots=True, order=True)
class PedalSpan:
    """The sustain pedal is held from ``down`` to ``up``, in seconds."""

    down: float
    up: float
    channel: int = 0  # 0..15


@dataclass(frozen=True, slots=True, order=True)
class Bend:
    """How the pitch of a note moves: in straight lines between points, and it stays as its last."""

    note: NoteEvent
    points: tuple[tuple[float, float], ...]  # s after its onset and semitones from its pitch; at least one, sorted


@dataclass(frozen=True, slots=True)
class Region:
    """Where the model may write: times in [onset, offset), pitches low..high inclusive.

    ``hear`` lets the model hear the audio there; without it the audio is hidden. ``controls`` are this region's own.
    """

    onset: float
    offset: float
    low: int = 21
    high: int = 108
    hear: bool = False
    controls: Controls = AS_AROUND

    @property
    def duration(self) -> float:
        """Seconds from onset to offset."""
        return self.offset - self.onset


@dataclass(frozen=True, slots=True)
class AudioBuffer:
    """Mono audio, (n_samples,) float32, finite, nominally in [-1, 1].

    ``origin`` is the DAW position, in seconds, of its first sample. ``remarks`` are sentences for whoever recorded it.
    ``heard_at``, of a live input, is when that sample sounded, in seconds of time.perf_counter.
    """

    name: str
    samples: Floats
    sample_rate: int
    origin: float = 0.0
    remarks: tuple[str, ...] = ()
    heard_at: float | None = None

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Options:
    """What a request may choose; ``None`` leaves the choice to the model and the quality.

    limits.REQUEST has the range, the unit and the meaning of each.
    """

    quality: Quality = REQUEST["quality"].default
    steps: int | None = REQUEST["steps"].default
    sampler: str | None = REQUEST["sampler"].default
    guidance: float | None = REQUEST["guidance"].default
    seed: int = REQUEST["seed"].default
    temperature: float = REQUEST["temperature"].default
    density: float = REQUEST["density"].default
    polyphony: int | None = REQUEST["polyphony"].default
    shortest: float | None = REQUEST["shortest"].default  # quarter notes
    longest: float | None = REQUEST["longest"].default  # quarter notes
    range: PitchRange | None = REQUEST["range"].default
    scale: Scale | None = REQUEST["scale"].default
    threshold: float | None = REQUEST["threshold"].default
    min_note: float = REQUEST["min_note"].default  # s
    variations: int = REQUEST["variations"].default
    seconds: float = REQUEST["seconds"].default  # s
    pedal: OnOff = REQUEST["pedal"].default
    bend: OnOff = REQUEST["bend"].default


Picture = Literal["plot", "trajectory"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, unchecked; ``music.plan`` makes a plan of it.

    ``audio`` is None for a generation, and where notes say what there is to fill or to continue.
    """

    id: str
    task: Task
    audio: AudioBuffer | None
    regions: tuple[Region, ...] = ()
    known: tuple[NoteEvent, ...] = ()  # notes that the user already has
    options: Options = field(default_factory=Options)
    pictures: frozenset[Picture] = frozenset()
    meter: MeterMap | None = None  # bars and beats on the axis of the audio, where somebody knows them
    pedal: tuple[PedalSpan, ...] = ()  # that the user already has
    bends: tuple[Bend, ...] = ()  # of known notes
    locked: tuple[NoteEvent, ...] = ()  # notes that the user has and that stay within the regions, too


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """A valid request, as the engine answers it. Only ``music.plan.plan_request`` makes one.

    regions: where notes may be written, within the audio or the time after it. hidden: those of them whose audio the
    model must not hear. kept: the user's notes that begin outside all regions, and those that are locked; they are
    returned unchanged. locked: the latter alone, which new notes go with, but do not take for a model of loudness.
    until: the end of the audio, or of the time after it, in seconds; what is written may ring so long.
    """

    id: str
    audio: AudioBuffer | None
    regions: tuple[Region, ...]
    hidden: tuple[Region, ...]
    kept: tuple[NoteEvent, ...]
    locked: tuple[NoteEvent, ...]
    options: Options
    pictures: frozenset[Picture]
    meter: MeterMap | None
    until: float
    pedal: tuple[PedalSpan, ...] = ()
    bends: tuple[Bend, ...] = ()  # of kept notes


@dataclass(frozen=True, slots=True)
class StreamedNote:
    """A note of a running job; the same index again replaces the note sent before."""

    index: int
    variation: int
    note: NoteEvent


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds spent in each stage of a request."""

    frontend: float = 0.0
    sample: float = 0.0
    decode: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """The notes of a finished request: one tuple per variation, sorted by onset, known notes included.

    ``pedal`` is that of all variations, sorted and apart: the user's, and what was heard in its place in the regions.
    ``bends`` are those of notes of any variation, sorted; a note without one keeps its pitch.
    """

    request_id: str
    variations: tuple[tuple[NoteEvent, ...], ...]
    seed: int
    timings: Timings = Timings()
    pictures: Pictures | None = None
    pedal: tuple[PedalSpan, ...] = ()
    bends: tuple[Bend, ...] = ()


Answer = Paused[Result]
"""A request on its way to its result. Raises errors.DiffrollError, errors.Cancelled among them."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the daemon reports about its model."""

    name: str
    version: str
    licence: str
    sha256: str
    device: str
    sample_rate: int  # Hz, of the front end
    hop_length: int  # samples per frame
    parameters: int
    max_seconds: float  # longest audio of one request


class Control(Protocol):
    """The engine's callbacks during a request, called between network evaluations."""

    def progress(self, step: int, steps: int) -> None:
        """Report ``step`` of ``steps`` evaluations. Raises errors.Cancelled when the job was cancelled."""

    def estimate(self, estimate: Estimate) -> None:
        """Report a step of the trajectory, in their order, where the request asks for it."""

    def grid(self, meter: MeterMap) -> None:
        """Report the bars and beats of the music: once, before the first note that is written on them.

        Where nothing is written they are those of the notes that were heard, reported after the last of these.
        """

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Send notes that are already certain, before the request is done."""


class Engine(Protocol):
    """What the inference worker runs. ``engine.TorchEngine`` is the real one; tests bring fakes."""

    @property
    def info(self) -> ModelInfo:
        """The model that answers."""

    @property
    def abreast(self) -> int:
        """How many requests are worth computing together at most; see turn_types.Computer."""

    def run(self, plan: RequestPlan, control: Control) -> Result:
        """Answer a request without a turn for any other. Raises errors.DiffrollError, errors.Cancelled among them."""

    def answer(self, plan: RequestPlan, control: Control) -> Answer:
        """Answer a request in turns. Every note of the result has gone through ``control.notes`` when it ends."""

    def gather(self, asks: Sequence[Ask]) -> Batch:
        """Compute what answers wait for; see turn_types.Computer."""

    def redecode(self, request_id: str, threshold: float, min_note: float) -> Result:
        """Decode a finished request again without sampling.

        threshold: an onset probability, min_note: seconds, both within ``limits.LIMITS``.
        Raises errors.UnknownJob when the request is no longer remembered.
        """

    def tune(self, control: Control) -> bool:
        """Prepare a little for requests that may come, while none waits; False when there is nothing to prepare.

        Raises errors.Cancelled when ``control`` does.
        """

    def open_stream(self, rate: int) -> LiveTranscriber:
        """Open a transcriber of a live input of ``rate`` Hz, for the calling thread, while ``run`` works on another.

        Raises errors.RequestError when the model cannot transcribe live.
        """
