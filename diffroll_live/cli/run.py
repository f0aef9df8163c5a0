"""Run a task for each input with one engine: read, run, write, report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from diffroll_live.cli import exit_codes, failures
from diffroll_live.cli.options import TaskChoices
from diffroll_live.cli.outputs import Done, Outputs, document, plan_outputs, write_outputs
from diffroll_live.cli.progress import ProgressBars
from diffroll_live.errors import DiffrollError
from diffroll_live.files.audio_file import read_audio
from diffroll_live.files.midi_file import Score, read_score
from diffroll_live.types import Control, Request, Result, Task

#: The longest recording that is read at once. By `/usr/bin/time -v diffroll-live transcribe --local FILE`, ten minutes
#: at 16 kHz take 1.05 GB of memory, and thirty 1.61 GB; at that rate four hours take about 7.5 GB.
MAX_SECONDS = 4 * 3600.0


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
                    request = _request(task, wanted, source, outputs, known)
                done.append(_answer(request, source, outputs, opened, bars))
                failures.tell(_summary(done[-1]), err=wanted.as_json or outputs.to_system)
            except DiffrollError as error:
                failed = failures.report(error)
                code = code or failed
    if wanted.as_json and done:
        failures.tell(document(opened.model, opened.device, done))
    return code


def _request(task: Task, wanted: TaskChoices, source: Path | None, outputs: Outputs, known: Score) -> Request:
    """Read the input into a request. Raises FileError and AudioError for audio that cannot be used."""
    audio = read_audio(source, wanted.start, wanted.duration, max_seconds=MAX_SECONDS) if source else None
    name = source.name if source else ""
    for remark in audio.remarks if audio else ():
        failures.warn(f"{name}: {remark}")
    meter = wanted.meter or known.meter
    return Request(name, task, audio, wanted.regions, known.notes, wanted.options, outputs.pictures, meter, known.pedal)


def _answer(request: Request, source: Path | None, outputs: Outputs, opened: Opened, bars: ProgressBars) -> Done:
    """Run the request and write its result."""
    with bars.stage(f"{request.task} {request.id}".strip()) as stage:
        result = opened.run(request, stage)
    with bars.stage("Writing"):
        write_outputs(result, request, outputs)
    return Done(source, outputs, result, stage.meter)


def _summary(done: Done) -> str:
    """Summarize an input's result in one line."""
    counts = " + ".join(str(len(notes)) for notes in done.result.variations)
    where = f" -> {done.outputs.midi[0]}" if done.outputs.midi else ""
    return f"{done.source or 'new'}{where}: {counts} notes in {done.result.timings.total:.2f} s"
