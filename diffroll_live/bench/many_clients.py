"""Clients with time to think at one desk: how long each waits for its first note, and how much is done for all."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from diffroll_live.bench.material import PIECE_SECONDS, SAMPLE_RATE, piece
from diffroll_live.bench.memory import resident
from diffroll_live.music.plan import plan_request
from diffroll_live.types import AudioBuffer, Engine, Options, Region, Request
from diffroll_live.worker.desk import Desk, Send
from diffroll_live.worker.messages import Finished, Noted, Report, Run

THINK = 4.0  # s, on average, from the end of a client's job to its next one
SCENE = 20.0  # s of audio around a region
FILE_EVERY = 8  # one client in so many has long files transcribed; the others ask for regions
LOOK_EVERY = 0.5  # s between two looks at the memory

MakeDesk = Callable[[Engine, Send], Desk]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of some clients. waits: s to the first note of each region, of those that still wait the time so far.

    ends: s to the end of each file that was done. jobs: how many were done, in ``seconds``. megabytes: the growth.
    """

    clients: int
    waits: tuple[float, ...]
    ends: tuple[float, ...]
    jobs: int
    seconds: float
    megabytes: float

    def wait(self, share: float) -> float:
        """A percentile of the waits, in milliseconds."""
        return 1000 * float(np.percentile(self.waits, share)) if self.waits else 0.0

    @property
    def rate(self) -> float:
        """Jobs a minute."""
        return 60 * self.jobs / self.seconds


@dataclass(slots=True)
class SimulatedClient:
    """Asks for one thing after another, each a part of ``music`` that is new; its number decides for what and when."""

    number: int
    music: AudioBuffer
    file_seconds: float
    chance: random.Random = field(init=False)
    due: float = field(init=False)  # s from the beginning at which it asks next; infinite while it waits
    asked: float = 0.0
    heard: bool = False  # whether the first note is there
    asks: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.number)  # noqa: S311 - the same clients each time
        self.due = self.chance.uniform(0.0, THINK)

    @property
    def has_files(self) -> bool:
        """Whether it asks for whole files."""
        return self.number % FILE_EVERY == FILE_EVERY - 1

    def request(self) -> Request:
        """The next thing to ask for."""
        self.asks += 1
        audio = self._part(self.file_seconds if self.has_files else SCENE)
        if self.has_files:
            return Request("", "transcribe", audio)
        begin = self.chance.uniform(2.0, SCENE - 8.0)
        if self.chance.random() < 0.5:
            return Request("", "transcribe", audio, (Region(begin, begin + 5.0, hear=True),))
        return Request("", "inpaint", audio, (Region(begin, begin + 2.0),), options=Options(seed=self.asks))

    def _part(self, seconds: float) -> AudioBuffer:
        length = round(seconds * self.music.sample_rate)
        first = self.chance.randrange(len(self.music.samples) - length)
        return replace(self.music, samples=self.music.samples[first : first + length].copy())

    def think(self, now: float) -> None:
        """Have got everything at a time; ask again some time later."""
        self.due = now + self.chance.expovariate(1 / THINK)


class Simulation:
    """``n`` clients at a desk for ``seconds`` of real time; the clients with files have ones of ``file_seconds``.

    Their audio has ``rate`` Hz.
    """

    def __init__(
        self,
        engine: Engine,
        make_desk: MakeDesk,
        n: int,
        seconds: float,
        file_seconds: float = 60.0,
        rate: int = SAMPLE_RATE,
    ) -> None:
        self._engine, self._seconds = engine, seconds
        made = piece((max(SCENE, file_seconds) + PIECE_SECONDS) * rate / SAMPLE_RATE)
        music = replace(made, sample_rate=rate)
        self._clients = [SimulatedClient(number, music, file_seconds) for number in range(n)]
        self._by_serial: dict[int, SimulatedClient] = {}
        self._desk = make_desk(engine, self._hear)
        self._waits: list[float] = []
        self._ends: list[float] = []
        self._jobs = 0

    def run(self) -> Outcome:
        """Simulate, computing all that is asked for."""
        self._begun = time.perf_counter()
        before = most = resident(os.getpid())
        looked = 0.0
        while (now := self._now()) < self._seconds:
            for client in self._clients:
                if client.due <= now:
                    self._ask(client)
            if self._desk.is_empty:
                time.sleep(max(0.0, min(client.due for client in self._clients) - self._now()))
            else:
                self._desk.turn(self._desk.next())
            if now - looked > LOOK_EVERY:
                looked, most = now, max(most, resident(os.getpid()))
        waiting = [client for client in self._by_serial.values() if not client.heard and not client.has_files]
        waits = (*self._waits, *(self._now() - client.asked for client in waiting))
        return Outcome(len(self._clients), waits, tuple(self._ends), self._jobs, self._now(), most - before)

    def _now(self) -> float:
        return time.perf_counter() - self._begun

    def _ask(self, client: SimulatedClient) -> None:
        plan = plan_request(client.request(), self._engine.info.max_seconds)
        serial = 1000 * client.asks + client.number
        client.asked, client.heard, client.due = self._now(), False, float("inf")
        self._by_serial[serial] = client
        self._desk.put(Run(serial, plan, f"client {client.number}"))

    def _hear(self, report: Report) -> None:
        if isinstance(report, Noted | Finished):
            client = self._by_serial[report.serial]
            if not client.heard and not client.has_files:
                self._waits.append(self._now() - client.asked)
            client.heard = True
        if isinstance(report, Finished):
            del self._by_serial[report.serial]
            self._jobs += 1
            if client.has_files:
                self._ends.append(self._now() - client.asked)
            client.think(self._now())


def rows(outcomes: Sequence[tuple[str, Outcome]]) -> Iterator[tuple[str, ...]]:
    """A header and a row for each way and number of clients, as texts."""
    yield "clients", "served", "first note, p50", "p95", "a file, median", "jobs a minute", "memory"
    for way, outcome in outcomes:
        file = (
            f"{np.median(outcome.ends):.1f} s" if outcome.ends else "none done" if outcome.clients >= FILE_EVERY else ""
        )
        waits = f"{outcome.wait(50):,.0f} ms", f"{outcome.wait(95):,.0f} ms"
        yield str(outcome.clients), way, *waits, file, f"{outcome.rate:.0f}", f"+{outcome.megabytes:.0f} MB"
