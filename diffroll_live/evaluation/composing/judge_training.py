"""Trains the judge on the split "train" of the scores: next notes, left to right. Seeded, and resumable at any step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from diffroll_live.composer.vocabulary import N_KEYS, Ints
from diffroll_live.errors import RequestError
from diffroll_live.evaluation.composing.judge import Judge, encode
from diffroll_live.files.atomic import clear_drafts, make_folder, write_atomic
from diffroll_live.music.roll import LOW_PITCH
from diffroll_live.training.composing.scores import Score
from diffroll_live.training.runs.record import Record, Report
from diffroll_live.training.runs.states import STATE, read_state, write_state

PARTS = ("step", "judge", "optimiser", "schedule")
REPORT_EVERY, SAVE_EVERY = 25, 50  # steps
TRANSPOSE = 6  # semitones, up and down
VALID_SEED, VALID_WINDOWS = 2, 96


@dataclass(frozen=True, slots=True)
class JudgeSchedule:
    """How long the judge learns: windows of ``notes`` in batches; the rate falls by a cosine."""

    steps: int = 2400
    batch: int = 48
    notes: int = 160
    rate: float = 2e-3
    warm_up: int = 50
    seed: int = 1

    def at(self, step: int) -> float:
        """The rate at a step."""
        falling = math.cos(step / self.steps * math.pi / 2) ** 2
        return self.rate * min((step + 1) / self.warm_up, 1.0) * (0.02 + 0.98 * falling)


class Windows:
    """Random windows of so many notes out of scores, longer ones more often."""

    def __init__(self, scores: Sequence[Score], notes: int) -> None:
        self._notes = notes
        self._pieces = [piece for score in scores if len(piece := _encoded(score)) > notes]
        if not self._pieces:
            raise RequestError(f"No score of the split has more than {notes} notes; give the folder of all scores.")
        self._chances = np.cumsum([len(piece) - notes for piece in self._pieces], dtype=float)
        self._chances /= self._chances[-1]

    def batch(self, size: int, rng: np.random.Generator, *, move: bool = True) -> Tensor:
        """Draw (size, notes, 5) classes; ``move`` shifts them in pitch."""
        rows = []
        for _ in range(size):
            piece = self._pieces[int(np.searchsorted(self._chances, rng.random()))]
            begin = int(rng.integers(0, len(piece) - self._notes + 1))
            window = piece[begin : begin + self._notes].copy()
            shift = int(rng.integers(-TRANSPOSE, TRANSPOSE + 1)) if move else 0
            window[:, 1] = np.clip(window[:, 1] + shift, 0, N_KEYS - 1)
            rows.append(window)
        return torch.from_numpy(np.stack(rows))


def _encoded(score: Score) -> Ints:
    notes = score.notes[np.lexsort((score.notes[:, 2], score.notes[:, 0]))]
    key = notes[:, 2] - LOW_PITCH
    notes, key = notes[inside := (key >= 0) & (key < N_KEYS)], key[inside]
    return encode(notes[:, 0], key, notes[:, 1], np.append(score.bars[:, 0], score.bar_ends()[-1]))


def train_judge(scores: Sequence[Score], out: Path, schedule: JudgeSchedule, report: Report = lambda *_: None) -> Judge:
    """Train, or resume the run in ``out``. Raises RequestError when it was begun otherwise, FileError."""
    windows = Windows([score for score in scores if score.split == "train"], schedule.notes)
    torch.manual_seed(schedule.seed)
    judge = Judge()
    optimiser = torch.optim.AdamW(judge.parameters(), schedule.rate, betas=(0.9, 0.98), weight_decay=0.01)
    make_folder(out)
    clear_drafts(out)
    step = _resume(out / STATE, judge, optimiser, schedule)
    record = Record(out, step, REPORT_EVERY, report)
    while step < schedule.steps:
        batch = windows.batch(schedule.batch, np.random.default_rng([schedule.seed, step]))
        for group in optimiser.param_groups:
            group["lr"] = schedule.at(step)
        with torch.autocast("cpu", torch.bfloat16):
            found = judge(batch)
        loss = found.float().sum(-1).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        optimiser.step()
        step += 1
        record.add(step, {"bits": float(loss.detach())})
        if step % SAVE_EVERY == 0 or step == schedule.steps:
            write_state(out / STATE, _state(step, judge, optimiser, schedule))
    return judge.eval()


@torch.inference_mode()
def held_out_bits(judge: Judge, scores: Sequence[Score], schedule: JudgeSchedule) -> tuple[float, float, float]:
    """Mean bits a note of wait, key and length, on fixed windows of the split "valid", their first quarter left out."""
    windows = Windows([score for score in scores if score.split == "valid"], schedule.notes)
    batch = windows.batch(VALID_WINDOWS, np.random.default_rng(VALID_SEED), move=False)
    wait, key, length = judge(batch)[:, schedule.notes // 4 :].mean((0, 1)).tolist()
    return wait, key, length


def write_judge(path: Path, judge: Judge) -> None:
    """Write the weights in bfloat16. Raises FileError."""
    halves = {name: value.to(torch.bfloat16).contiguous() for name, value in judge.state_dict().items()}
    write_atomic(path, save(halves))


def _state(step: int, judge: Judge, optimiser: torch.optim.Optimizer, schedule: JudgeSchedule) -> dict[str, Any]:
    return {
        "step": step,
        "judge": judge.state_dict(),
        "optimiser": optimiser.state_dict(),
        "schedule": asdict(schedule),
    }


def _resume(path: Path, judge: Judge, optimiser: torch.optim.Optimizer, schedule: JudgeSchedule) -> int:
    """Take up a saved run, if there is one; return its step."""
    if not path.exists():
        return 0
    state = read_state(path, parts=PARTS)
    if state["schedule"] != asdict(schedule):
        raise RequestError(f"The run in {path.parent} has another schedule; go on with the same, or in a new folder.")
    judge.load_state_dict(state["judge"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])
