"""From a request to its first note, as a client of the daemon sees it."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from diffroll_live.bench.daemon import Daemon, Link, running_daemon
from diffroll_live.bench.figures import Figure, Progress, Repetitions, Settings, milliseconds
from diffroll_live.bench.material import write_wav
from diffroll_live.bench.memory import KIND, resident
from diffroll_live.errors import InternalError
from diffroll_live.types import Task

NUDGE = 0.01  # s between the beginnings of two buffers: so that no two have the same samples
NUDGES = 100
AUDIO: dict[Task, str] = {"transcribe": "audible", "inpaint": "hidden"}  # in the region
MOST_MS = 250.0  # to the first note
MOST_START_SECONDS = 8.0
MOST_MB = 1200.0


def first_note(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Request a region of audio that is new to the daemon, and wait for the first note."""
    rounds = Repetitions(settings, progress, total=2)
    with asking(settings) as (_, ask):
        for task, what in AUDIO.items():
            seconds = tuple(rounds.repeat(partial(ask, task)))
            name = f"first note of a {what} region of {settings.region_seconds:g} s ({task})"
            yield Figure(name, "ms", milliseconds(seconds), MOST_MS, "over UDP, from /job/run; new audio each time")


def start(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Start daemons, make a few requests to each, and measure its memory."""

    def measure() -> tuple[float, float, float, float]:
        with asking(settings) as (daemon, ask):
            asked = [ask("transcribe") for _ in range(settings.requests)]
            return daemon.ready_seconds, asked[0], asked[-1], resident(daemon.pid)

    ready, first, last, memory = zip(*Repetitions(settings, progress).repeat(measure), strict=True)
    yield Figure("start to ready", "s", ready, MOST_START_SECONDS, "from the process to its ready line")
    yield Figure("first request after that, to its first note", "ms", milliseconds(first))
    yield Figure(f"request number {settings.requests}, to its first note", "ms", milliseconds(last))
    if all(memory):
        note = f"{KIND} of the daemon with its inference process, after {settings.requests} requests"
        yield Figure("resident memory", "MB", memory, MOST_MB, note)


@contextmanager
def asking(settings: Settings) -> Iterator[tuple[Daemon, FirstNoteTimer]]:
    """Start a daemon; yield it with the function that times requests."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "bench.wav"
        write_wav(wav, settings.clip_seconds + NUDGE * NUDGES)
        with running_daemon(settings) as daemon, Link(daemon.port) as link:
            yield daemon, FirstNoteTimer(link, wav, settings)


class FirstNoteTimer:
    """Requests the middle of a new buffer; returns the seconds from /job/run to the first note."""

    def __init__(self, link: Link, wav: Path, settings: Settings) -> None:
        self._link, self._wav, self._settings = link, wav, settings
        self._numbers = itertools.count()

    def __call__(self, task: Task) -> float:
        """Run one job. Raises InternalError if it has no notes."""
        number, link, clip = next(self._numbers), self._link, self._settings.clip_seconds
        job, onset = f"{task}-{number}", (clip - self._settings.region_seconds) / 2
        begin = (number % NUDGES) * NUDGE
        link.ask("/diffroll/audio/file", "bench", str(self._wav), begin, clip, answer="/diffroll/audio/ready")
        link.send("/diffroll/job/new", job, task, "bench")
        region = (onset, onset + self._settings.region_seconds, 21, 108, int(task == "transcribe"))
        link.send("/diffroll/job/region", job, *region)
        link.send("/diffroll/job/set", job, "deliver", "osc")
        asked = time.perf_counter()
        link.send("/diffroll/job/run", job)
        reply = link.until("/diffroll/note", "/diffroll/job/done")
        seconds = time.perf_counter() - asked
        if reply.address == "/diffroll/job/done":
            raise InternalError("The model finds no notes in the benchmark's audio; measure with another model.")
        link.until("/diffroll/job/done")
        return seconds
