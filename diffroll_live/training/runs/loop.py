"""The training loop: batches to steps, saved regularly, with a record of the losses."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from safetensors.torch import save

from diffroll_live.engine.out_of_memory import is_shortage
from diffroll_live.errors import Cancelled, DeviceMemory, InternalError
from diffroll_live.files.atomic import atomic_file, clear_drafts, make_folder
from diffroll_live.music.roll import RollGeometry
from diffroll_live.training.examples.batches import Batch, loader
from diffroll_live.training.examples.windows import Material, WindowMaker
from diffroll_live.training.processes import Share, sharing
from diffroll_live.training.runs.beginnings import begin_from
from diffroll_live.training.runs.record import Record, Report
from diffroll_live.training.runs.settings import check_same, settings_of, write_settings
from diffroll_live.training.runs.states import STATE, read_state, write_state
from diffroll_live.training.runs.subjects import Subject, compact
from diffroll_live.training.runs.trainer import Schedule, Trainer
from diffroll_live.training.synthesis.device_mixer import DeviceMixer

logger = logging.getLogger(__name__)

SAVE_EVERY = 100  # steps
REPORT_EVERY = 20


def train(
    material: Material,
    schedule: Schedule,
    out: Path,
    *,
    subject: Subject | None = None,
    begun_from: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    workers: int = 1,
    board: bool = False,
    report: Report = lambda step, parts: None,
) -> Trainer:
    """Train in the folder ``out``, or resume the run there; writes state.pt, settings.json and losses.csv.

    subject: the network, by default the compact one. begun_from: a run or a model whose weights a new run starts with.
    board: record for TensorBoard too. Under ``torchrun`` the processes share every batch, and the first one writes.

    Raises RequestError if the run there was started with other settings, and for material that does not exist;
    FileError for a damaged run or a full disk; InternalError if a loss is not finite; DeviceMemory; Cancelled when the
    process is asked to end, after a last save.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    subject = subject or compact()
    maker = WindowMaker(material)
    settings = settings_of(maker, schedule, subject, begun_from)
    make_folder(out)
    with sharing(device) as (share, where):
        trainer = Trainer(subject, schedule, where, share)
        if share.leads:
            clear_drafts(out)
        _begin(trainer, settings, out, begun_from)
        batches = loader(
            material,
            geometry_of(subject),
            batch=schedule.batch,
            seed=schedule.seed,
            first=trainer.step,
            workers=workers,
            share=share,
            mixer=DeviceMixer(maker.bank, trainer.device) if trainer.device.type == "cuda" else None,
        )
        record = Record(out, trainer.step, REPORT_EVERY, report, board=board) if share.leads else None
        torch.set_flush_denormal(True)  # in this thread and its workers: denormal gradients are slow
        try:
            with stoppable() as asked:
                while trainer.step < schedule.steps:
                    with _enough_memory(schedule.batch):
                        _step(trainer, next(batches), settings, out, record)
                    if asked():
                        _stop(trainer, settings, out)
        finally:
            torch.set_flush_denormal(False)
            if record is not None:
                record.close()
    return trainer


def geometry_of(subject: Subject) -> RollGeometry:
    """The time axis of a network's rolls."""
    return RollGeometry(subject.front_end_config.sample_rate, subject.front_end_config.hop_length)


def _begin(trainer: Trainer, settings: dict[str, Any], out: Path, begun_from: str | None) -> None:
    """Resume the run in ``out``, or load the weights that start a new one."""
    if (out / STATE).exists():
        state = read_state(out / STATE, trainer.device)
        check_same(state, settings, out)
        trainer.resume(state)
    elif begun_from is not None:
        begin_from(begun_from, trainer.network)
        trainer.averaged.load_state_dict(trainer.network.state_dict())
    if trainer.share.leads:
        write_settings(out, settings)


def _step(trainer: Trainer, batch: Batch, settings: dict[str, Any], out: Path, record: Record | None) -> None:
    parts = _learn(trainer, batch, out)
    if record is None:
        return
    record.add(trainer.step, parts)
    if trainer.step % SAVE_EVERY == 0 or trainer.step == trainer.schedule.steps:
        write_state(out / STATE, trainer.state(settings))


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether the process was asked to end by SIGTERM or Ctrl-C, neither of which ends it.

    A second Ctrl-C ends it at once. Other threads than the main one cannot be asked.
    """
    stops: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def handle(number: int, _: FrameType | None) -> None:
        if stops and number == signal.SIGINT:
            raise KeyboardInterrupt
        stops.append(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(stops)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(trainer: Trainer, settings: dict[str, Any], out: Path) -> None:
    if trainer.share.leads:
        write_state(out / STATE, trainer.state(settings))
    if trainer.step < trainer.schedule.steps:
        raise Cancelled(f"Stopped after step {trainer.step}, which is saved; give the same command to go on.")


def _learn(trainer: Trainer, batch: Batch, out: Path) -> dict[str, float]:
    """Take a step; a batch whose loss is not finite is saved before the error is raised."""
    try:
        return trainer.learn({name: each.to(trainer.device, non_blocking=True) for name, each in batch.items()})
    except FloatingPointError as error:
        kept = _keep(batch, out, trainer.step, trainer.share)
        raise InternalError(
            f"In step {trainer.step} these are not finite: {error}. The batch is saved in {kept}; the run can resume "
            "from its last save. If it happens again, train with a lower rate in a new folder."
        ) from error


@contextmanager
def _enough_memory(batch: int) -> Iterator[None]:
    """Raise DeviceMemory if the device has too little memory to mix or to train."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
        raise DeviceMemory(
            f"The device has too little memory for {batch} windows per step; choose a smaller --batch."
        ) from error


def _keep(batch: Batch, out: Path, step: int, share: Share) -> Path:
    """Save this process's part of a batch."""
    path = out / f"batch-{step}{f'-{share.rank}' if share.count > 1 else ''}.safetensors"
    with atomic_file(path) as file:
        file.write(save({name: each.contiguous() for name, each in batch.items()}))
    return path
