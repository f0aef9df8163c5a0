"""What was asked for lately, by which client and with which seed, for ``/diffroll/history``."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from diffroll_live.osc.state_messages import HistoryQuery
from diffroll_live.osc.state_replies import History as Announcement
from diffroll_live.osc.state_replies import HistoryJob
from diffroll_live.server.clients import Client
from diffroll_live.server.job import Job, State
from diffroll_live.types import Options

MOST = 100  # jobs that are remembered


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

    def add(self, client: Client, job: Job, outcome: State, asked: float) -> None:
        """Remember how a job ended that was ``asked`` for at a monotonic time."""
        now, done = self._clock(), outcome == "done"
        options = job.settings.options
        about = (client.key, client.name, job.name, job.task, job.buffer, outcome, options.seed)
        notes = len(job.notes) if done else 0
        self._entries.append(_Entry(*about, notes, now, max(0.0, now - asked), options_in_words(options)))

    def _send(self, client: Client, _: HistoryQuery) -> None:
        now = self._clock()
        client.send(Announcement(len(self._entries)))
        for entry in self._entries:
            client.send(entry.reply(now))


def options_in_words(options: Options) -> str:
    """Name the options that are not the defaults, but for the seed, as in ``quality best, temperature 0.8``."""
    usual = Options()
    names = [item.name for item in fields(Options) if item.name != "seed"]
    changed = [name for name in names if getattr(options, name) != getattr(usual, name)]
    return ", ".join(f"{name} {_text(getattr(options, name))}" for name in changed)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
