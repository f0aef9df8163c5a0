"""Whether unpaired pretraining helps: onset F1 by hours of paired audio, with and without pretraining on rolls.

The paper's claim, tested on a small network: for every seed one pretraining on rolls alone, then for every amount of
paired audio two runs of the same steps, one from scratch and one from the pretrained weights. An amount of audio is a
number of different windows, reused over and over. An interrupted experiment resumes from its last save.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from diffroll_live.engine.defaults import Defaults
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.errors import FileError
from diffroll_live.evaluation.evaluation import TUNING_SEED, Clip, heard, rendered, tune
from diffroll_live.evaluation.results import RESULTS, Result, append_result, read_results
from diffroll_live.evaluation.scores import Score, score
from diffroll_live.files.atomic import atomic_file, make_folder
from diffroll_live.model.adapters.compact import CompactAdapter
from diffroll_live.model.decoding import Thresholds
from diffroll_live.model.networks.compact import CompactConfig
from diffroll_live.training.examples.batches import loader
from diffroll_live.training.examples.windows import Material
from diffroll_live.training.runs.loop import geometry_of, train
from diffroll_live.training.runs.subjects import Subject, compact
from diffroll_live.training.runs.trainer import Schedule, Trainer
from diffroll_live.types import ModelInfo, Options

HOURS = (0.25, 1.0, 4.0, 16.0)
SEEDS = (0, 1)
PLAN = "plan.json"
SCORING = 20  # s that scoring a run takes, roughly
TRIAL = 3  # steps to time
NETWORK = CompactConfig(
    width=64,
    encoder_dilations=(1, 4),
    denoiser_dilations=(1, 4, 16),
    context_after=(1,),
    pitch_width=8,
    roll_width=2,
    harmonic_width=2,
)
SUBJECT = compact(NETWORK)
#: Simplifications so that few steps are enough: unmodified pieces on plain recordings.
PLAIN: dict[str, Any] = {
    "augmentation": 0.0,
    "rule_share": 0.0,
    "empty_share": 0.0,
    "edge_share": 0.0,
    "extra_share": 0.0,
}
SILENT: Callable[[str], None] = lambda text: None  # noqa: E731 - a default for reports


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of the experiment, the same for all its runs."""

    steps: int = 300  # of a run with audio
    roll_steps: int = 600  # of a pretraining
    batch: int = 8  # windows per step
    seconds: float = 4.096  # of a window
    rate: float = 3e-3
    clips: int = 6  # of 20.48 s for the score, and as many for the threshold
    piano: str = "splendid_steinway"  # of the rendered clips


@dataclass(frozen=True, slots=True)
class Experiment:
    """The material, the plan and the folder; ``run`` does whatever is missing."""

    material: Material
    plan: Plan
    out: Path
    subject: Subject = SUBJECT
    device: str = "cpu"
    threads: int | None = None
    report: Callable[[str], None] = SILENT

    def run(self) -> tuple[Result, ...]:
        """Do the runs that are not in the table yet; return all of its rows.

        Raises what ``loop.train`` does, and FileError for a table or a plan that cannot be written or read.
        """
        make_folder(self.out)
        done = read_results(self.out / RESULTS)
        for hours, pretrained, seed in runs():
            if any((each.hours, each.pretrained, each.seed) == (hours, pretrained, seed) for each in done):
                continue
            result = self._paired(hours, self._rolls(seed) if pretrained else None, seed)
            append_result(self.out / RESULTS, result)
            done = (*done, result)
            self.report(f"{hours:g} h, {result.arm}, seed {seed}: onset F1 {result.onset:.3f}")
        return done

    def _rolls(self, seed: int) -> str:
        """Pretrain on all rolls without audio; return the folder of that run."""
        folder = self.out / f"rolls-{seed}"
        self._train(replace(self.material, stage="rolls", bank=None, **PLAIN), self.plan.roll_steps, folder, seed, None)
        return str(folder)

    def _paired(self, hours: float, start: str | None, seed: int) -> Result:
        """Train with ``hours`` of paired audio, and score."""
        folder = self.out / f"paired-{hours:g}h-{'rolls' if start else 'scratch'}-{seed}"
        different = max(int(hours * 3600 / self.plan.seconds), 1)
        paired = replace(self.material, stage="paired", different=different, **PLAIN)
        begun = time.monotonic()
        trainer = self._train(paired, self.plan.steps, folder, seed, start)
        seconds = time.monotonic() - begun
        threshold, scored = self._scored(trainer)
        return Result(
            hours,
            start is not None,
            seed,
            self.plan.steps,
            round(scored.onset, 4),
            round(scored.onset_offset, 4),
            threshold,
            round(seconds),
        )

    def _train(self, material: Material, steps: int, folder: Path, seed: int, start: str | None) -> Trainer:
        plan = self.plan

        def report(step: int, parts: dict[str, float]) -> None:
            self.report(f"{folder.name}: step {step} of {steps}, loss {parts['total']:.3f}")

        return train(
            replace(material, seconds=plan.seconds),
            Schedule(steps, batch=plan.batch, rate=plan.rate, warm_up=min(50, steps), average=0.98, seed=seed),
            folder,
            subject=self.subject,
            begun_from=start,
            device=self.device,
            threads=self.threads,
            workers=0,
            report=report,
        )

    def _scored(self, trainer: Trainer) -> tuple[float, Score]:
        """The threshold tuned on some clips, and its score on others."""
        engine = _engine(trainer)
        threshold = tune(*_heard(engine, self._clips(seed=TUNING_SEED))).onset_threshold
        decoders, truths = _heard(engine, self._clips())
        chosen = [decode(Thresholds(threshold)) for decode in decoders]
        return threshold, score(chosen, truths)

    def _clips(self, **seed: int) -> list[Clip]:
        return list(rendered(self.material, self.plan.piano, self.plan.clips, augmentation=0.0, **seed))


def runs() -> Iterator[tuple[float, bool, int]]:
    """(hours, pretrained, seed) of every run: both arms of the smallest and the largest amount first."""
    for seed in SEEDS:
        for hours in (HOURS[0], HOURS[-1], *HOURS[1:-1]):
            for pretrained in (False, True):
                yield hours, pretrained, seed


def plan_of(out: Path, material: Material, plan: Plan, minutes: float | None, subject: Subject = SUBJECT) -> Plan:
    """The plan that ``out`` was started with; for a new one ``plan``, with its steps chosen to take ``minutes`` here.

    Raises FileError for a plan that cannot be read or written.
    """
    path = out / PLAN
    if path.exists():
        try:
            return Plan(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise FileError(f"{path} is not a plan ({error}); choose another folder.") from error
    if minutes is not None:
        plan = _fitted(plan, material, minutes, subject)
    make_folder(out)
    with atomic_file(path) as file:
        file.write(json.dumps(asdict(plan), indent=2).encode())
    return plan


def _fitted(plan: Plan, material: Material, minutes: float, subject: Subject) -> Plan:
    """As many steps as fit, twice as many for pretraining as for a run."""
    n_runs = 2 * len(HOURS) * len(SEEDS)
    plain = replace(material, seconds=plan.seconds, **PLAIN)
    paired = _step_seconds(replace(plain, stage="paired"), plan, subject)
    rolls = _step_seconds(replace(plain, stage="rolls", bank=None), plan, subject)
    seconds = max(minutes * 60 - n_runs * SCORING, 60.0)
    steps = max(int(seconds / (n_runs * paired + 2 * len(SEEDS) * rolls)), 1)
    return replace(plan, steps=steps, roll_steps=2 * steps)


def _step_seconds(material: Material, plan: Plan, subject: Subject) -> float:
    trainer = Trainer(subject, Schedule(TRIAL, batch=plan.batch), "cpu")
    batches = loader(material, geometry_of(subject), batch=plan.batch, seed=0, first=0, workers=0)
    trainer.learn(next(batches))
    begun = time.monotonic()
    for _ in range(TRIAL):
        trainer.learn(next(batches))
    return (time.monotonic() - begun) / TRIAL


def _heard(engine: TorchEngine, clips: list[Clip]) -> tuple[list[Any], list[Any]]:
    return [heard(engine, clip.audio, Options(steps=1)) for clip in clips], [clip.notes for clip in clips]


def _engine(trainer: Trainer) -> TorchEngine:
    """The averaged weights, ready to transcribe."""
    device, config = trainer.device, trainer.subject.front_end_config
    dtype = next(trainer.averaged.parameters()).dtype
    adapter = CompactAdapter(trainer.averaged.eval(), trainer.front_end, device, dtype)
    info = ModelInfo(
        "experiment", "0", "none", "", str(device), config.sample_rate, config.hop_length, adapter.parameters, 60.0
    )
    return TorchEngine(adapter, info, Defaults())
