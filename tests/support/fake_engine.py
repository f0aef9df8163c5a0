"""A deterministic engine that needs no model. The name of a job may ask for a fault."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

import numpy as np

from diffroll_live.errors import CheckpointError, DeviceMemory, UnknownJob
from diffroll_live.live_types import LiveEstimate, OnsetCandidate, SoundingSpan
from diffroll_live.meter.meter_map import NO_METER, MeterMap, Signature
from diffroll_live.meter.tempo_map import TempoChange, TempoMap
from diffroll_live.picture_types import Estimate, Pictures
from diffroll_live.turn_types import Ask, Batch, alone
from diffroll_live.types import (
    Answer,
    Bend,
    Control,
    ModelInfo,
    NoteEvent,
    PedalSpan,
    RequestPlan,
    Result,
    StreamedNote,
)

INFO = ModelInfo(
    name="fake",
    version="1.0",
    licence="MIT",
    sha256="0" * 64,
    device="cpu",
    sample_rate=16_000,
    hop_length=256,
    parameters=0,
    max_seconds=600.0,
)
STEP_SECONDS = 0.02
LIVE_PITCH = 60
PEDAL = (PedalSpan(0.25, 0.75), PedalSpan(1.0, 2.5))  # of a job that asks for one by its name
GLIDE = ((0.0, 0.0), (0.125, 0.5), (0.25, -0.25))  # of every other note of a job that asks for one in the same way
CRASH = 0.875  # a first sample that kills the process
DEFAULT_STEPS = 4
RUBATO = MeterMap(  # what a job of that name is said to keep to
    TempoMap((TempoChange(0.25, 90.0), TempoChange(1.0, 100.0), TempoChange(2.0, 85.0))),
    (Signature(1.0, 3, 4),),
    "estimated",
    0.75,
)


def notes_of(plan: RequestPlan, variation: int) -> tuple[NoteEvent, ...]:
    """The notes that the fake engine writes: a scale of half seconds, moved by seed and variation."""
    seconds = plan.audio.seconds if plan.audio else plan.options.seconds
    count = max(1, min(int(seconds * 2), int(plan.options.density * 400)))
    shift = (plan.options.seed + 7 * variation) % 40
    written = [NoteEvent(0.5 * i, 0.5 * i + 0.25, 40 + (i + shift) % 40, 1 + (i + shift) % 127) for i in range(count)]
    return tuple(sorted((*plan.kept, *written)))


def pictures_of(plan: RequestPlan, steps: int) -> Pictures | None:
    """Four frames, 10 a second: the posterior is 1 at pitch 60, the trajectory goes from 0 to that."""
    if not plan.pictures:
        return None
    posterior = np.zeros((4, 88), np.float32)
    posterior[:, 60 - 21] = 1.0
    trail = range(steps if "trajectory" in plan.pictures else 0)
    levels = [(255 * posterior * (step + 1) / steps).astype(np.uint8) for step in trail]
    return Pictures(10.0, np.zeros((4, 8), np.float32), posterior, tuple(Estimate(0, part, 4, 10.0) for part in levels))


def bends_of(variations: Sequence[Sequence[NoteEvent]]) -> tuple[Bend, ...]:
    """A bend of every other note."""
    return tuple(sorted({Bend(note, GLIDE) for notes in variations for note in notes[::2]}))


class FakeStream:
    """Transcribes LIVE_PITCH from the first loud sample of a sound to the last, and 1 % of a sample's value is loud."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._sounds: list[list[float]] = []  # begin, end in s

    def update(self, first: int, samples: np.ndarray) -> LiveEstimate:
        """Give the sounds of the last second."""
        if len(samples) and float(samples[0]) == CRASH:
            os.kill(os.getpid(), signal.SIGKILL)
        loud = np.flatnonzero(np.abs(samples) > 0.01)
        edge = (first + len(samples)) / self._rate
        if len(loud):
            begin, end = (first + loud[0]) / self._rate, (first + loud[-1] + 1) / self._rate
            if self._sounds and begin - self._sounds[-1][1] < 0.05:
                self._sounds[-1][1] = end
            else:
                self._sounds.append([begin, end])
        since = edge - 1.0
        candidates = tuple(OnsetCandidate(LIVE_PITCH, begin, 80, 0.9) for begin, _ in self._sounds if begin > since)
        spans = tuple(
            SoundingSpan(LIVE_PITCH, max(begin, since), None if end > edge - 0.02 else end)
            for begin, end in self._sounds
            if end > since
        )
        return LiveEstimate(since, edge, 0.5, candidates, spans)


class FakeEngine:
    """Answers at once but for a short sleep a step, one a turn; ``steps`` is taken from the plan."""

    info = INFO
    abreast = 1

    def __init__(self) -> None:
        self._finished: dict[str, Result] = {}

    def run(self, plan: RequestPlan, control: Control) -> Result:
        """Answer without giving anybody else a turn."""
        return alone(self, self.answer(plan, control))

    def gather(self, asks: Sequence[Ask]) -> Batch:
        """Never be asked: it computes as it answers."""
        raise AssertionError(asks)

    def answer(self, plan: RequestPlan, control: Control) -> Answer:
        """Stream the notes of each variation, half of them half way."""
        self._misbehave(plan)
        variations = tuple(notes_of(plan, v) for v in range(plan.options.variations))
        streamed = [
            StreamedNote(index, v, note) for v, notes in enumerate(variations) for index, note in enumerate(notes)
        ]
        meter = plan.meter or (RUBATO if plan.id.startswith("rubato#") else NO_METER)
        if plan.hidden:
            control.grid(meter)
        steps = plan.options.steps or DEFAULT_STEPS
        pictures = pictures_of(plan, steps)
        for step in range(1, steps + 1):
            time.sleep(STEP_SECONDS)
            control.progress(step, steps)
            if pictures is not None and pictures.trajectory:
                control.estimate(pictures.trajectory[step - 1])
            if step == steps // 2:
                control.notes(streamed[: len(streamed) // 2])
                self._break_down(plan)
            yield None
        control.notes(streamed[len(streamed) // 2 if steps > 1 else 0 :])
        if not plan.hidden:
            control.grid(meter)
        pedal = PEDAL if plan.id.startswith("pedalled") and plan.options.pedal == "on" else plan.pedal
        bends = bends_of(variations) if plan.id.startswith("bent") and plan.options.bend == "on" else plan.bends
        result = Result(plan.id, variations, plan.options.seed, pictures=pictures, pedal=pedal, bends=bends)
        self._finished[plan.id] = result
        return result

    def redecode(self, request_id: str, threshold: float, min_note: float) -> Result:
        """Keep the notes whose velocity is above the threshold, as a share of 127, and that are long enough."""
        if request_id not in self._finished:
            raise UnknownJob("The engine has forgotten this job; run it again.")
        old = self._finished[request_id]
        variations = tuple(
            tuple(n for n in notes if n.velocity > threshold * 127 and n.duration >= min_note)
            for notes in old.variations
        )
        return Result(request_id, variations, old.seed)

    def tune(self, control: Control) -> bool:
        """Have nothing to prepare."""
        return False

    def open_stream(self, rate: int) -> FakeStream:
        """Transcribe one pitch while there is any sound."""
        return FakeStream(rate)

    def _break_down(self, plan: RequestPlan) -> None:
        fault = plan.id.split("#")[0]
        if fault == "dies-half-way":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == "fails-half-way":
            raise RuntimeError("the fake engine was told to fail half way")

    def _misbehave(self, plan: RequestPlan) -> None:
        fault = plan.id.split("#")[0]
        if fault == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == "raise":
            raise RuntimeError("the fake engine was told to fail")
        elif fault == "memory":
            raise DeviceMemory("The device has too little memory; use shorter audio.")
        elif fault == "stuck":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(3600)


def make_engine() -> FakeEngine:
    """The factory that tests hand to the worker."""
    return FakeEngine()


def make_no_engine() -> FakeEngine:
    """A factory that finds no model."""
    raise CheckpointError("There is no model called 'nothing'; run diffroll-live models.")


def make_slow_engine() -> FakeEngine:
    """A factory that takes its time."""
    time.sleep(60)
    return FakeEngine()


def make_fatal_engine() -> FakeEngine:
    """A factory whose process dies while it loads."""
    os._exit(7)
