"""Trains on a bare machine: ``python -m diffroll_live.training RUN`` in a folder made by ``prepare --pack``.

Needs Python, PyTorch, NumPy and safetensors, and nothing else. The full program has ``diffroll-live train``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from diffroll_live import PACKAGE_FOLDER
from diffroll_live.errors import DiffrollError
from diffroll_live.training.corpus.packing import unpack_folder
from diffroll_live.training.examples.windows import Material
from diffroll_live.training.precision import PRECISIONS
from diffroll_live.training.runs.loop import train
from diffroll_live.training.runs.trainer import Schedule


def main(arguments: list[str] | None = None) -> int:
    """Unpack once, train, and print the number of steps; return the exit code."""
    given = _parser().parse_args(arguments)
    bank, corpus = given.work / "bank", given.work / "corpus"
    try:
        if not corpus.with_suffix(".npz").exists():
            given.work.mkdir(parents=True, exist_ok=True)
            _say("unpacking")
            unpack_folder(given.pack, bank, corpus)
        without = ("pop909",) if given.no_pop909 else ()
        material = Material(
            bank, corpus, stage=given.stage, unheard=given.unheard, without=without, seconds=given.seconds
        )
        schedule = Schedule(given.steps, batch=given.batch, rate=given.rate, seed=given.seed, precision=given.precision)
        trainer = train(
            material,
            schedule,
            given.run,
            begun_from=given.begun_from,
            device=given.device,
            workers=given.workers,
            report=lambda step, parts: _say(f"step {step} of {given.steps}, loss {parts['total']:.3f}"),
        )
    except (DiffrollError, OSError) as error:
        _say(f"Error: {error}")
        return 1
    _say(f"{given.run}: {trainer.step} steps; copy {given.run / 'state.pt'} to a machine with `diffroll-live export`.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m diffroll_live.training", description=__doc__)
    parser.add_argument("run", type=Path, help="the folder of the run; resumed if it exists")
    parser.add_argument(
        "--pack", type=Path, default=PACKAGE_FOLDER.parent, help="made by `diffroll-live prepare --pack`"
    )
    parser.add_argument("--work", type=Path, default=Path("work"), help="where to unpack the pack, once")
    parser.add_argument("--stage", default="tasks", help="tasks, rolls, paired or mixed")
    parser.add_argument("--from", dest="begun_from", help="a run whose weights to start from")
    parser.add_argument("--steps", type=int, default=4200)
    parser.add_argument("--batch", type=int, default=12, help="windows a step")
    parser.add_argument("--seconds", type=float, default=8.192, help="of a window")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0])
    parser.add_argument("--no-pop909", action="store_true")
    parser.add_argument("--unheard", default="upright_kw", help="a piano to hold back for evaluation")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=1, help="processes that mix audio")
    return parser


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
