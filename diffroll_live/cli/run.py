"""Run a task for each input with one engine: read, run, write, report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from diffroll_live.cli import exit_codes, failures
from diffroll_live.cli.inputs import Given, read_input
from diffroll_live.cli.options import TaskChoices
from diffroll_live.cli.outputs import Done, Outputs, document, plan_outputs, write_outputs
from diffroll_live.cli.progress import ProgressBars
from diffroll_live.errors import DiffrollError
from diffroll_live.files.midi_file import Score, read_score
from diffroll_live.types import Control, Request, Result, Task


@dataclass(frozen=True, slots=True)
class Opened:
    """What answers requests: a model in this process, or a daemon."""

    model: str
    device: str
    run: Callable[[Request, Control], Result]
    close: Callable[[], None]


def run_task(task: Task, wanted: TaskChoices, opener: Callable[[TaskChoices], Opened]) -> int:
    """Run the task for all inputs and return the exit code: that of the first failure, if there is one.

    Raises DiffrollError for what concerns all inputs, e.g. a model that is missing.
    """
    plans = plan_outputs(wanted)
    sources: tuple[Path | None, ...] = wanted.inputs or (None,)
    known = read_score(wanted.known) if wanted.known else Score((), None)
    done: list[Done] = []
    code = exit_codes.OK
    with ExitStack() as stack, ProgressBars() as bars:
        with bars.stage("Getting the model ready"):
            opened = opener(wanted)
        stack.callback(opened.close)
        for source, outputs in zip(sources, plans, strict=True):
            try:
                with bars.stage("Reading"):
                    given = read_input(task, wanted, source, outputs.pictures, known)
                done.append(_answer(given, source, outputs, opened, bars))
                failures.tell(_summary(done[-1]), err=wanted.as_json or outputs.to_system)
            except DiffrollError as error:
                failed = failures.report(error)
                code = code or failed
    if wanted.as_json and done:
        failures.tell(document(opened.model, opened.device, done))
    return code


def _answer(given: Given, source: Path | None, outputs: Outputs, opened: Opened, bars: ProgressBars) -> Done:
    """Run the request and write its result."""
    with bars.stage(f"{given.request.task} {given.request.id}".strip()) as stage:
        result = given.placed(opened.run(given.request, stage))
    done = Done(source, given, outputs, result, stage.meter)
    with bars.stage("Writing"):
        write_outputs(done)
    return done


def _summary(done: Done) -> str:
    """Summarize an input's result in one line."""
    counts = " + ".join(str(len(notes)) for notes in done.result.variations)
    where = f" -> {done.outputs.midi[0]}" if done.outputs.midi else ""
    part = f", the new ones on {done.given.part}" if done.given.part is not None else ""
    return f"{done.source or 'new'}{where}: {counts} notes in {done.result.timings.total:.2f} s{part}"
