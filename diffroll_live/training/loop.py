"""The training loop: batches to steps, saved every so often, with a record of every loss."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable
from pathlib import Path

import torch

from diffroll_live.errors import DeviceMemory, FileError, InternalError
from diffroll_live.frontend import FrontEndConfig
from diffroll_live.memory import is_shortage
from diffroll_live.networks.compact import CompactConfig
from diffroll_live.roll import RollGeometry
from diffroll_live.training.batches import Batch, loader
from diffroll_live.training.saving import make_folder, whole_file
from diffroll_live.training.settings import check_same, settings_of, write_settings
from diffroll_live.training.trainer import Schedule, Trainer, read_state
from diffroll_live.training.windows import Material, WindowMaker

logger = logging.getLogger(__name__)

SAVE_EVERY = 100  # steps
REPORT_EVERY = 20
NETWORK, FRONT_END = CompactConfig(), FrontEndConfig()  # what is trained unless told otherwise
STATE = "state.pt"
RECORD = "losses.csv"

Report = Callable[[int, dict[str, float]], None]
"""Called every REPORT_EVERY steps with the step and the means of the losses since the last call."""


def train(
    material: Material,
    schedule: Schedule,
    out: Path,
    *,
    config: CompactConfig = NETWORK,
    front_end: FrontEndConfig = FRONT_END,
    device: str = "cpu",
    threads: int | None = None,
    workers: int = 1,
    report: Report = lambda step, parts: None,
) -> Trainer:
    """Train in the folder ``out``, or go on where a run stopped there; leaves state.pt, settings.json and losses.csv.

    Raises RequestError when the run there was begun with other settings, and for material that does not exist;
    FileError for a damaged run or a full disk; InternalError when a loss is not a number; DeviceMemory.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    settings = settings_of(WindowMaker(material), schedule, config, front_end)
    make_folder(out)
    trainer = Trainer(config, front_end, schedule, device)
    if (out / STATE).exists():
        state = read_state(out / STATE, trainer.device)
        check_same(state, settings, out)
        trainer.resume(state)
    write_settings(out, settings)
    record = _Record(out / RECORD, trainer.step, report)
    geometry = RollGeometry(front_end.sample_rate, front_end.hop_length)
    batches = loader(material, geometry, batch=schedule.batch, seed=schedule.seed, first=trainer.step, workers=workers)
    torch.set_flush_denormal(True)  # of this thread and its workers: tiny gradients are slow to reckon with
    try:
        while trainer.step < schedule.steps:
            record.add(trainer.step + 1, _learn(trainer, next(batches), out))
            if trainer.step % SAVE_EVERY == 0 or trainer.step == schedule.steps:
                trainer.save(out / STATE, settings)
    finally:
        torch.set_flush_denormal(False)
    return trainer


def _learn(trainer: Trainer, batch: Batch, out: Path) -> dict[str, float]:
    """Take a step, or say why it cannot be taken; a batch that makes no numbers is kept."""
    try:
        return trainer.learn({name: each.to(trainer.device, non_blocking=True) for name, each in batch.items()})
    except FloatingPointError as error:
        kept = out / f"batch-{trainer.step}.pt"
        with whole_file(kept) as file:
            torch.save(batch, file)
        raise InternalError(
            f"In step {trainer.step} these are no numbers: {error}. The batch is kept in {kept}; the run can go on "
            "from its last save. If it happens again, train with a lower rate in a new folder."
        ) from error
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
        raise DeviceMemory(f"The device has too little memory for {len(batch['edge'])} windows a step.") from error


class _Record:
    """Means of the losses over REPORT_EVERY steps, as lines of a CSV file."""

    def __init__(self, path: Path, step: int, report: Report) -> None:
        self._path, self._report = path, report
        self._sums: dict[str, float] = {}
        self._count = 0
        self._forget_after(step)

    def add(self, step: int, parts: dict[str, float]) -> None:
        """Take the losses of a step; raises FileError when they cannot be written."""
        self._sums = {name: self._sums.get(name, 0.0) + value for name, value in parts.items()}
        self._count += 1
        if step % REPORT_EVERY:
            return
        means = {name: value / self._count for name, value in self._sums.items()}
        self._write(step, means)
        self._report(step, means)
        self._sums, self._count = {}, 0

    def _forget_after(self, step: int) -> None:
        """Drop the lines of steps that were taken but not saved; they will be taken again."""
        if not self._path.exists():
            return
        lines = self._path.read_text().splitlines()
        kept = [line for line in lines if not (number := line.split(",")[0]).isdigit() or int(number) <= step]
        with whole_file(self._path) as file:
            file.write("".join(f"{line}\n" for line in kept).encode())

    def _write(self, step: int, means: dict[str, float]) -> None:
        try:
            new = not self._path.exists()
            with self._path.open("a", newline="") as handle:
                writer = csv.writer(handle, lineterminator="\n")
                if new:
                    writer.writerow(["step", *means])
                writer.writerow([step, *(f"{value:.5f}" for value in means.values())])
        except OSError as error:
            raise FileError(f"Cannot write {self._path} ({error.strerror}); free some space.") from error
