"""``diffroll-live batch``: transcribe an archive of recordings, and go on where it stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import click

from diffroll_live.archive.items import Answer, Item
from diffroll_live.archive.listing import list_archive
from diffroll_live.archive.pool import Pool, Work
from diffroll_live.archive.report import REPORT, Entry, Report
from diffroll_live.archive.results import Results
from diffroll_live.cli import exit_codes, failures
from diffroll_live.cli.engine_factory import EngineFactory
from diffroll_live.cli.inputs import MAX_SECONDS
from diffroll_live.cli.options import DEVICE, ENGINE_AT, MODEL, PATH, setting, settings, with_options
from diffroll_live.cli.progress import ProgressBar, ProgressBars
from diffroll_live.limits import PROCESSES, REQUEST
from diffroll_live.model.checkpoints.folder import DEFAULT_MODEL, find_model
from diffroll_live.types import Options

#: Options of a request that change what is heard.
HEARING = ("quality", "sampler", "steps", "guidance", "seed", "threshold", "min_note", "pedal", "bend", "variations")
Answers = Callable[[Iterable[Item]], Iterator[Answer]]

_COMPLAINTS = 10  # at the terminal; the report has all of them


class Tally:
    """Counts what becomes of ``total`` recordings, and shows it."""

    def __init__(self, total: int, bar: ProgressBar) -> None:
        self._total, self._bar = total, bar
        self._begin = time.monotonic()
        self._seconds = 0.0  # of audio
        self._done, self._failed, self.before = 0, 0, 0
        self.code = exit_codes.OK  # of the first failure

    def count(self, entry: Entry) -> None:
        """Count a recording that was done or failed just now."""
        if entry.state == "done":
            self._done += 1
            self._seconds += entry.seconds
        else:
            self._failed += 1
            self.code = self.code or exit_codes.BY_ERROR.get(entry.code, exit_codes.INTERNAL)
            if self._failed <= _COMPLAINTS:
                sentence = entry.text.removeprefix(f"{PurePath(entry.recording).name} ")
                failures.complain(f"{entry.recording}{': ' if sentence == entry.text else ' '}{sentence}")
        self._bar.progress(self.before + self._done + self._failed, self._total)
        self._bar.say(f"{self._rate:.0f} times real time, {self._failed} failed")

    def summary(self) -> str:
        """Say in a sentence how many were done, and how quickly."""
        pace = f" ({self._seconds / 3600:.2f} h of audio at {self._rate:.0f} times real time)" if self._done else ""
        before = f", {self.before} done before" if self.before else ""
        return f"{self._total} recordings: {self._done} done{pace}{before}, {self._failed} failed."

    @property
    def _rate(self) -> float:
        """Seconds of audio a second."""
        return self._seconds / max(time.monotonic() - self._begin, 1e-3)


@click.command("batch")
@click.argument("archive", type=PATH, metavar="FOLDER|MANIFEST.csv")
@click.option(
    "-o", "--output", type=PATH, required=True, metavar="OUT", help="The folder for the notes and report.csv."
)
@with_options(MODEL, DEVICE, setting(PROCESSES, "--processes"), ENGINE_AT, *settings(REQUEST, *HEARING))
def batch(
    archive: Path,
    output: Path,
    model: str | None,
    device: str,
    processes: int | None,
    address: str | None,
    **chosen: Any,
) -> int:
    """Transcribe all recordings in a folder and below it, or those in the column 'audio' of a CSV file.

    OUT gets a MIDI file for each, in folders of the same names, and report.csv with a row for each, also for those that
    cannot be read. Given again, the same command goes on where it stopped: what has not changed is not done again. With
    --engine, the recordings must lie at the same paths on every node of the cluster.
    """
    options = Options(**chosen)
    items, unusable = list_archive(archive)
    with Report.open(output) as report, ProgressBars() as bars, bars.stage("Transcribing") as bar:
        sha256 = find_model(model or DEFAULT_MODEL).sha256
        results = Results(output, report, sha256, options)
        left = {item.name: item for item in results.left(items)}
        tally = Tally(len(items) + len(unusable), bar)
        tally.before = len(items) - len(left)
        for refused in unusable:
            tally.count(results.fail(refused))
        count = min(processes or _cores(), max(len(left), 1))
        threads = 1 if address else max(1, _cores() // count)
        work = Work(EngineFactory(model, device, threads), options, MAX_SECONDS)
        answers = _on_cluster(address, work, sha256) if address else Pool(work, count).answers
        for answer in answers(left.values()):
            tally.count(results.keep(left[answer.name], answer))
    failures.tell(f"{tally.summary()} {output / REPORT} has a row for each.")
    return tally.code


def _on_cluster(address: str, work: Work, sha256: str) -> Answers:
    from diffroll_live.cluster.archive import answers

    return partial(answers, address, work, sha256)


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
