"""What was asked for lately, by which client and with which seed, for ``/diffroll/history``."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from diffroll_live.osc.state_messages import HistoryQuery
from diffroll_live.osc.state_replies import History as Announcement
from diffroll_live.osc.state_replies import HistoryJob
from diffroll_live.server.clients import Client
from diffroll_live.server.job import Job, State
from diffroll_live.server.job_settings import JobSettings
from diffroll_live.types import Options

MOST = 100  # jobs that are remembered
REDECODE = "redecode"  # in place of a task
_WISHES = {item.name for item in fields(Options)} - {"seed"} | {"quantize"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One job that has ended; ``ended`` is monotonic."""

    client: str
    name: str
    job: str
    task: str
    buffer: str
    outcome: State
    seed: int
    notes: int
    ended: float
    seconds: float
    options: str

    def reply(self, now: float) -> HistoryJob:
        """Report it."""
        about = (self.client, self.name, self.job, self.task, self.buffer, self.outcome, self.seed, self.notes)
        return HistoryJob(*about, now - self.ended, 1000.0 * self.seconds, self.options)


class History:
    """The last jobs of all clients that have ended, oldest first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: deque[_Entry] = deque(maxlen=MOST)
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {HistoryQuery: self._send}

    def add(
        self, client: Client, job: Job, outcome: State, asked: float, decoded: tuple[float, float] | None = None
    ) -> None:
        """Remember how a job ended that was ``asked`` for at a monotonic time.

        ``decoded`` has the threshold and the shortest note (s) where it was only decoded again. That takes the place
        of a decoding of the same job just before it: of a slider that moves, where it stopped is kept.
        """
        task: str = job.task
        options = job.settings.options
        if decoded is not None:
            task, options = REDECODE, replace(options, threshold=decoded[0], min_note=decoded[1])
            last = self._entries[-1] if self._entries else None
            if last is not None and (last.client, last.job, last.task) == (client.key, job.name, REDECODE):
                self._entries.pop()
        now = self._clock()
        about = (client.key, client.name, job.name, task, job.buffer, outcome, options.seed)
        notes = len(job.notes) if outcome == "done" else 0
        words = settings_in_words(replace(job.settings, options=options))
        self._entries.append(_Entry(*about, notes, now, max(0.0, now - asked), words))

    def _send(self, client: Client, _: HistoryQuery) -> None:
        now = self._clock()
        client.send(Announcement(len(self._entries)))
        for entry in self._entries:
            client.send(entry.reply(now))


def settings_in_words(settings: JobSettings) -> str:
    """Name what is not as usual of how notes were wanted, but for the seed: ``quality best, quantize 1/16 0.8 0.5``."""
    usual, said = JobSettings(), []
    parts = ((settings.options, usual.options), (settings.delivery, usual.delivery))
    for part, default in parts:
        for name in (item.name for item in fields(part) if item.name in _WISHES):
            value = getattr(part, name)
            if value != getattr(default, name):
                said.append(f"{name} {_text(JobSettings.OPTIONS[name].write(value))}")
    return ", ".join(said)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
