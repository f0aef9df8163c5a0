"""A run of the composer's training: passages in, weights out, saved so that it can be resumed at any step.

Muon for the matrices of the layers, AdamW for the rest; the rate stands for a while and then falls to nothing. What is
shipped are averaged weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from diffroll_live.composer.batches import batch_of
from diffroll_live.composer.network import Composer, ComposerConfig
from diffroll_live.composer.passage import Passage
from diffroll_live.composer.tokens import Tokens, passage_tokens
from diffroll_live.errors import RequestError
from diffroll_live.files.atomic import clear_drafts, make_folder
from diffroll_live.training.composing.answers import answers_of
from diffroll_live.training.composing.muon import Muon
from diffroll_live.training.composing.objective import Losses, losses
from diffroll_live.training.composing.passages import Passages
from diffroll_live.training.composing.scores import read_scores
from diffroll_live.training.precision import in_bfloat16
from diffroll_live.training.runs.record import Record, Report
from diffroll_live.training.runs.states import STATE, read_state, write_state

PARTS = ("step", "network", "averaged", "optimisers", "settings")
REPORT_EVERY, SAVE_EVERY = 25, 100  # steps
POOL = 4  # batches that are drawn together, so that passages of a length share one
MOST_TOKENS = 620  # of an example
CONTEXT_SHARE = 0.35  # of the steps around a hole that are asked for too
SET_SHARE = 0.25  # of examples that ask for all notes of the hole at once


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast.

    ``rate`` is AdamW's, ``muon_rate`` Muon's; ``fall`` is the share of the steps in which they fall.
    """

    steps: int
    batch: int = 16
    rate: float = 2e-3
    muon_rate: float = 0.02
    warm_up: int = 60
    fall: float = 0.4
    average: float = 0.998
    seed: int = 0
    precision: str = "bfloat16"  # of the arithmetic; the weights themselves stay float32

    def at(self, step: int) -> float:
        """The share of the rates at a step."""
        left = (self.steps - step) / (self.fall * self.steps)
        return min((step + 1) / self.warm_up, 1.0) * min(max(left, 0.01), 1.0)


class Trainer:
    """The network, its averages and its optimisers, step by step."""

    def __init__(self, config: ComposerConfig, schedule: Schedule, device: torch.device) -> None:
        torch.manual_seed(schedule.seed)
        self.schedule, self.device = schedule, device
        self._half = in_bfloat16(schedule.precision, device)
        self.network = Composer(config).to(device)
        self.averaged = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.step = 0
        matrices = [p for name, p in self.network.named_parameters() if p.ndim == 2 and name.startswith("layers")]
        known = {id(p) for p in matrices}
        self._others = [p for p in self.network.parameters() if id(p) not in known]
        self._optimisers: tuple[torch.optim.Optimizer, ...] = (
            Muon(matrices, schedule.muon_rate),
            torch.optim.AdamW(self._others, lr=schedule.rate, betas=(0.9, 0.98), weight_decay=0.01),
        )

    def learn(self, examples: list[Tokens]) -> Losses:
        """Take one step on a batch. Raises RequestError when the losses are no numbers any more."""
        share = self.schedule.at(self.step)
        for optimiser, rate in zip(self._optimisers, (self.schedule.muon_rate, self.schedule.rate), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * share
            optimiser.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._half):
            scored = losses(self.network, batch_of(examples, self.device), answers_of(examples, self.device))
        if not math.isfinite(float(scored.total.detach())):
            raise RequestError(f"The loss of step {self.step + 1} is no number; train anew with a smaller --rate.")
        scored.total.backward()
        nn.utils.clip_grad_norm_(self._others, 1.0)
        for optimiser in self._optimisers:
            optimiser.step()
        self.step += 1
        self._average()
        return scored

    def begin_with(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of an earlier run; what its network did not have begins anew.

        Raises RequestError for those of a network of another size.
        """
        try:
            unknown = self.network.load_state_dict(weights, strict=False).unexpected_keys
        except RuntimeError as error:
            raise RequestError("Those weights are not of a network of this size; begin without them.") from error
        if unknown:
            raise RequestError(f"Those weights are of another network, which has {unknown[0]}; begin without them.")
        self.averaged = {name: value.clone() for name, value in self.network.state_dict().items()}

    @torch.no_grad()
    def _average(self) -> None:
        weight = 1.0 - min(self.schedule.average, (self.step + 1) / (self.step + 20))
        for name, value in self.network.state_dict().items():
            self.averaged[name].lerp_(value, weight)

    def state(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Everything that the next step follows from."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "averaged": self.averaged,
            "optimisers": [optimiser.state_dict() for optimiser in self._optimisers],
            "settings": settings,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Take up a saved run."""
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.averaged = {name: value.to(self.device) for name, value in state["averaged"].items()}
        for optimiser, saved in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)


def train_composer(
    scores: Path,
    out: Path,
    schedule: Schedule,
    *,
    weights: Mapping[str, Tensor] | None = None,
    device: str = "cpu",
    report: Report = lambda *_: None,
) -> Trainer:
    """Train on the split "train" of the scores in a folder, or resume the run in ``out``.

    weights: what a new run begins with, chance if None.

    Raises FileMissing or FileError for the scores or the run, RequestError when the run was begun otherwise.
    """
    passages = Passages([score for score in read_scores(scores) if score.split == "train"])
    config = ComposerConfig()
    settings = json.loads(json.dumps({"schedule": asdict(schedule), "network": asdict(config)}))
    make_folder(out)
    clear_drafts(out)
    trainer = Trainer(config, schedule, torch.device(device))
    if (out / STATE).exists():
        state = read_state(out / STATE, trainer.device, PARTS)
        _check_same(state["settings"], settings, out)
        trainer.resume(state)
    elif weights is not None:
        trainer.begin_with(weights)
    record = Record(out, trainer.step, REPORT_EVERY, report)
    batches = batches_from(passages, schedule, trainer.step)
    while trainer.step < schedule.steps:
        scored = trainer.learn(next(batches))
        record.add(trainer.step, scored.parts)
        if trainer.step % SAVE_EVERY == 0 or trainer.step == schedule.steps:
            write_state(out / STATE, trainer.state(settings))
    return trainer


def batches_from(passages: Passages, schedule: Schedule, step: int) -> Iterator[list[Tokens]]:
    """The batches of a run from a step on, each from seeds of its own: the same however often the run was cut off."""
    pool = step // POOL
    skip = step % POOL
    while True:
        rng = np.random.default_rng([schedule.seed, pool])
        examples: list[Tokens] = []
        while len(examples) < POOL * schedule.batch:
            example = example_of(passages.draw(rng), rng)
            if len(example) <= MOST_TOKENS:
                examples.append(example)
        examples.sort(key=len)
        groups = [examples[first : first + schedule.batch] for first in range(0, len(examples), schedule.batch)]
        for index in rng.permutation(POOL)[skip:]:
            yield groups[index]
        pool, skip = pool + 1, 0


def example_of(passage: Passage, rng: np.random.Generator) -> Tokens:
    """Ask for the hole of a passage, note after note or for all that is missing, and for some steps around it."""
    survival = float(rng.random() ** 1.5) if rng.random() < SET_SHARE else None
    hidden = passage.is_hidden()
    survivors = None if survival is None else rng.random(int(hidden.sum())) < survival
    context = np.flatnonzero((~passage.hidden).any(1))
    asked = context[rng.random(len(context)) < CONTEXT_SHARE]
    return passage_tokens(passage, asked, survivors, survival or 0.0)


def _check_same(before: dict[str, Any], now: dict[str, Any], out: Path) -> None:
    """Raises RequestError for the first setting that differs; only the number of steps may."""
    for part, values in now.items():
        for name, value in values.items():
            if name != "steps" and before[part].get(name) != value:
                raise RequestError(
                    f"The run in {out} was begun with {name} = {before[part].get(name)}, not {value}. "
                    "Go on with the same, or train in a new folder."
                )
