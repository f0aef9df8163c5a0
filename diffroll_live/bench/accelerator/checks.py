"""The checks: each returns rows for a table. None writes a file but the last, which trains on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from diffroll_live.bench.accelerator.day import RATE, Day, spread
from diffroll_live.bench.many_clients import Simulation
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.progress import Progress, SilentControl
from diffroll_live.engine.window_asks import Sampling, WindowAsk, WindowConditions
from diffroll_live.engine.window_batch import WindowBatch
from diffroll_live.engine.windows import Window
from diffroll_live.model.samplers import SAMPLERS
from diffroll_live.music.plan import plan_request
from diffroll_live.training.composing.run import Schedule as ComposerSchedule
from diffroll_live.training.composing.run import train_composer
from diffroll_live.training.examples.batches import batch_of
from diffroll_live.training.examples.windows import Window as TrainingWindow
from diffroll_live.training.runs.loop import geometry_of
from diffroll_live.training.runs.subjects import compact
from diffroll_live.training.runs.trainer import Schedule, Trainer
from diffroll_live.types import Options, Region, Request, StreamedNote, Task
from diffroll_live.worker.desk import Desk

Row = dict[str, Any]
TRAINED_SECONDS = 8.192  # of a window of the audio network's training
MOST_WINDOWS = 64  # of one ask
SPARE = 20.0  # s that the training leaves


class FirstNote(SilentControl):
    """A control that notes when the first note comes."""

    def __init__(self) -> None:
        self.at = float("inf")

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Look at the clock."""
        self.at = min(self.at, time.perf_counter())


def first_note(day: Day) -> list[Row]:
    """From a request about new audio to its first note, as the inference process does it."""
    engine, rows = day.engine(), []
    begin = (day.sizes.clip_seconds - day.sizes.region_seconds) / 2
    heard = Region(begin, begin + day.sizes.region_seconds, hear=True)
    hidden = Region(begin, begin + day.sizes.region_seconds)
    kinds: list[tuple[str, Region, Options]] = [
        ("heard region", heard, Options()),
        ("hidden region, note by note", hidden, Options(sampler="note-by-note")),
        ("hidden region, thinning in 8", hidden, Options(sampler="thinning", steps=8)),
    ]
    for name, region, options in kinds:
        waits = []
        for number in range(day.sizes.repeat + 3):
            task: Task = "transcribe" if region.hear else "inpaint"
            request = Request("first", task, day.music(day.sizes.clip_seconds, number), (region,), options=options)
            plan, listener = plan_request(request, engine.info.max_seconds), FirstNote()
            engine.forget()
            day.finish()
            asked = time.perf_counter()
            engine.run(plan, listener)
            if number >= 3:
                waits.append(1000 * (min(listener.at, time.perf_counter()) - asked))
        rows.append({"what": name, "seconds": day.sizes.region_seconds, **spread(waits)})
    return rows


def steps(day: Day) -> list[Row]:
    """A clip transcribed with several numbers of steps, replayed and launched one operation after another."""
    audio, rows = day.music(day.sizes.clip_seconds), []
    for replays in (True, False):
        engine = day.engine(replays=replays)
        for count in day.sizes.steps:
            request = Request("steps", "transcribe", audio, options=Options(steps=count))
            plan = plan_request(request, engine.info.max_seconds)

            def transcribe(engine: TorchEngine = engine, plan: Any = plan) -> None:
                engine.forget()
                engine.run(plan, SilentControl())

            how = "replayed" if replays and engine.replays else "launched"
            rows.append({"steps": count, "how": how, **spread(day.milliseconds(transcribe))})
    return rows


def batches(day: Day) -> list[Row]:
    """One evaluation of batches of several sizes: time, windows a second, and memory."""
    rows = []
    for size in day.sizes.batches:
        engine = day.engine(size)
        if day.device_type == "cuda":
            torch.cuda.reset_peak_memory_stats()

        def sample(engine: TorchEngine = engine, size: int = size) -> None:
            _sampled(engine, _ask(engine, size, steps=1))

        times = spread(day.milliseconds(sample))
        memory = torch.cuda.max_memory_allocated() / 1e6 if day.device_type == "cuda" else 0.0
        rows.append({"windows": size, **times, "windows a second": 1000 * size / times["p50"], "MB": memory})
    return rows


def bits(day: Day) -> list[Row]:
    """Whether a window's bits are the same in any company, and replayed as launched."""
    rows: list[Row] = []
    for replays in (True, False):
        engine = day.engine(4, replays=replays)
        alone = _parts(engine, _ask(engine, 1, steps=2))
        for place in range(4):
            others = _ask(engine, 4, steps=2)
            order = [window for window in others.windows if window != others.windows[0]]
            order.insert(place, others.windows[0])
            others.windows = tuple(order)
            found = _parts(engine, others)
            n_frames = alone[0].shape[0]
            parts = [part[place * n_frames : (place + 1) * n_frames] for part in found]
            same = all(torch.equal(one, two) for one, two in zip(alone, parts, strict=True))
            rows.append({"what": f"row {place} of a full batch is the window alone", "replays": replays, "same": same})
    launched, replayed = (_parts(day.engine(4, replays=r), _ask(day.engine(4), 4, steps=2)) for r in (False, True))
    most = max(float((one - two).abs().max()) for one, two in zip(launched, replayed, strict=True))
    rows.append({"what": "replayed as launched", "replays": True, "same": most == 0.0, "largest difference": most})
    return rows


def live(day: Day) -> list[Row]:
    """What a hop of live input takes to compute."""
    engine = day.engine()
    stream = engine.open_stream(RATE)
    hop = 1024
    samples = day.music(4.0).samples
    first = 0

    def update() -> None:
        nonlocal first
        at = first % (len(samples) - hop)
        stream.update(first, samples[at : at + hop])
        first += hop

    return [{"what": f"a hop of {1000 * hop / RATE:.0f} ms", **spread(day.milliseconds(update, day.sizes.hops))}]


def clients(day: Day) -> list[Row]:
    """Simulated clients in turns: their waits for a first note."""
    engine, rows = day.engine(), []
    for count in day.sizes.clients:
        engine.forget()
        outcome = Simulation(engine, Desk, count, day.sizes.client_seconds, rate=RATE).run()
        waits = {"p50": outcome.wait(50), "p95": outcome.wait(95)}
        rows.append({"clients": count, **waits, "jobs a minute": outcome.rate, "MB": outcome.megabytes})
    return rows


def throughput(day: Day) -> list[Row]:
    """Steps a second of the audio network's training, on noise."""
    rows, subject = [], compact()
    for size in day.sizes.train_batches:
        trainer = Trainer(subject, Schedule(1000, batch=size), day.device_type)
        rng = np.random.default_rng(0)
        noise = rng.standard_normal(round(TRAINED_SECONDS * RATE)).astype(np.float32) * 0.1
        notes = np.array([[0.5 * n, 0.5 * n + 0.4, 40 + n, 80] for n in range(16)], np.float64)
        windows = [TrainingWindow(noise, notes, TRAINED_SECONDS) for _ in range(size)]
        batch = batch_of(windows, geometry_of(subject), TRAINED_SECONDS)
        batch = {name: part.to(trainer.device) for name, part in batch.items()}
        times = day.milliseconds(partial(trainer.learn, batch), day.sizes.train_steps)
        rows.append({"batch": size, **spread(times), "windows a second": 1000 * size / spread(times)["p50"]})
    return rows


class _TimeIsUpError(Exception):
    """The training has to end."""


def training(day: Day) -> list[Row]:
    """Go on with the composer's training from its last state, for as long as there is time."""
    if day.scores is None or day.run is None:
        return []
    begun, seen = time.monotonic(), list[int]()

    def report(step: int, _: object) -> None:
        seen.append(step)
        if day.left() < SPARE:
            raise _TimeIsUpError

    schedule = ComposerSchedule(day.composer_steps)
    with contextlib.suppress(_TimeIsUpError):
        train_composer(day.scores, day.run, schedule, device=day.device_type, report=report)
    if len(seen) < 2:
        return []
    seconds = time.monotonic() - begun
    return [{"from step": seen[0], "to step": seen[-1], "steps a second": (seen[-1] - seen[0]) / seconds}]


CHECKS: dict[str, Callable[[Day], list[Row]]] = {
    "first note, ms": first_note,
    "a clip, ms": steps,
    "batches, ms": batches,
    "the same bits": bits,
    "live, ms": live,
    "many clients, ms to the first note": clients,
    "training the audio network, ms a step": throughput,
    "training the composer": training,
}


def _ask(engine: TorchEngine, count: int, steps: int) -> WindowAsk:
    adapter = engine.adapter
    generator = torch.Generator().manual_seed(1)
    length = adapter.window_frames + 8 * MOST_WINDOWS  # the same features, however many are asked for
    features = torch.randn((adapter.n_features, length), generator=generator).to(adapter.device)
    windows = tuple(Window(8 * at, 8 * at + 64, 8 * at + 128) for at in range(count))
    conditions = WindowConditions(Sampling(SAMPLERS["ddim"], steps, 0.0, 3))
    return WindowAsk(features, windows, conditions, Progress(adapter, SilentControl()))


def _sampled(engine: TorchEngine, ask: WindowAsk) -> None:
    batch: WindowBatch = engine.gather([ask])
    while not batch.step():
        continue


def _parts(engine: TorchEngine, ask: WindowAsk) -> tuple[torch.Tensor, ...]:
    """What is sampled, the second time: then it is replayed where it can be."""
    _sampled(engine, ask)
    ask.posteriors.clear()
    _sampled(engine, ask)
    return ask.posteriors[0].parts()
