"""A soak test: live input, jobs, jams, cancels, panics, hostile datagrams, crashes and lost ports for a long time.

A daemon as a user starts it, on its own JACK server; every note that it plays is counted until the end, and so is every
job, and how long the inference process takes to come back.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import soundfile

from diffroll_live.audio.jack.server import SAMPLE_RATE, DummyJack
from diffroll_live.bench.daemon import running_daemon
from diffroll_live.bench.figures import Settings
from diffroll_live.bench.hostile import Flood
from diffroll_live.bench.jack_player import JackPlayer
from diffroll_live.bench.live import BUFFER, MIDI_PORT, PLAYER
from diffroll_live.bench.live_material import rendered
from diffroll_live.bench.memory import LINUX, forked, resident
from diffroll_live.bench.midi_lateness import environment
from diffroll_live.bench.midi_monitor import MidiMonitor
from diffroll_live.bench.note_balance import Balance
from diffroll_live.bench.soak_plan import Plan
from diffroll_live.bench.stream_link import StreamLink
from diffroll_live.errors import RequestError
from diffroll_live.osc.codec import Message

SECONDS = 10.0  # of piano, repeated
SETTLE = 15.0  # s at the end without new requests, in which everything may end
RETURN = 60.0  # s within which the daemon reopens a port
#: Mean seconds between two of a kind; lost ports come between performances.
EVERY = {"job": 4.0, "cancel": 5.0, "jam": 9.0, "panic": 11.0, "buffer": 13.0, "picture": 17.0, "scrape": 15.0}
BETWEEN = {"lost port": 150.0}
_TOLD = ("/diffroll/job/done", "/diffroll/job/cancelled", "/diffroll/jam/", "/diffroll/audio/vanished")
TASKS = ("transcribe", "inpaint", "continue", "generate")
_RECENT = 6  # jobs, one of which is cancelled

Report = Callable[[int, int], None]
"""Called with the seconds done and the total."""


class Soak:
    """The whole setup, inside ``with``. Raises RequestError without a usable /proc."""

    def __init__(self, settings: Settings, seed: int = 0) -> None:
        if not LINUX:
            raise RequestError("The soak test needs Linux: it kills processes that it finds in /proc.")
        self._settings = settings
        self._chance = random.Random(seed)  # noqa: S311 - no secrets
        self._stack = ExitStack()
        self._due: dict[str, float] = {}
        self._kills_due: list[float] = []
        self._killed: float | None = None  # when the inference process was, until it is back
        self._dead: set[int] = set()  # the processes that were killed
        self._asked = False  # the daemon, for its state
        self._job_number = self._buffer_number = 0
        self.balance = Balance()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._server = stack.enter_context(DummyJack(f"diffroll-live-soak-{os.getpid()}", realtime=True))
            stack.enter_context(environment(self._server.environment))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self._player = JackPlayer(PLAYER).__enter__()
            stack.callback(lambda: self._player.__exit__(None, None, None))
            metrics = str(_free_port())
            self._metrics = f"http://127.0.0.1:{metrics}/metrics"
            flags = ("--midi-api", "jack", "--metrics", metrics)
            self._daemon = stack.enter_context(running_daemon(self._settings, *flags))
            self._link = stack.enter_context(StreamLink(self._daemon.port))
            self._music = rendered(SECONDS).samples
            self._recording = folder / "piano.wav"
            soundfile.write(self._recording, self._music, SAMPLE_RATE)
            self._monitor = MidiMonitor(MIDI_PORT).__enter__()
            stack.callback(lambda: self._monitor.__exit__(None, None, None))
            self._link.ask("/diffroll/audio/file", "piano", str(self._recording), answer="/diffroll/audio/ready")
            self._link.ask("/diffroll/audio/listen", BUFFER, PLAYER, answer="/diffroll/audio/listening")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, plan: Plan, report: Report) -> Balance:
        """Cause disturbances as planned, let everything end, and return the balance."""
        begun = time.monotonic()
        length = 60.0 * plan.minutes
        self._due = {name: begun + self._wait(each) for name, each in (EVERY | BETWEEN).items()}
        self._kills_due = [begun + length * (number + 0.5) / plan.kills for number in range(plan.kills)]
        with Flood(self._daemon.port, plan.datagrams, self._chance) as flood:

            def disturb() -> None:
                """Called twenty times a second while the piano plays."""
                flood.catch_up((time.monotonic() - begun) / length)
                for name in EVERY:
                    self._if_due(name)
                self._kill_if_due()
                self._follow()

            latest = begun + 1.5 * length + RETURN  # by which it must all have been done
            while (now := time.monotonic()) < begun + length or (
                now < latest and (self._kills_due or self._killed is not None or not flood.is_done)
            ):
                self._player.play(self._music, disturb)
                for name in BETWEEN:
                    self._if_due(name)
                if len(self.balance.memory) <= (now - begun) / 60.0:
                    self.balance.memory.append(resident(self._daemon.pid))
                report(round(min(time.monotonic() - begun, length)), round(length))
            self.balance.datagrams = flood.sent
        self._end()
        self.balance.minutes = (time.monotonic() - begun) / 60.0
        return self.balance

    def _if_due(self, name: str) -> None:
        if time.monotonic() < self._due[name]:
            return
        self._due[name] = time.monotonic() + self._wait((EVERY | BETWEEN)[name])
        self.balance.done[name] += 1
        _TROUBLES[name](self)

    def _wait(self, mean: float) -> float:
        return self._chance.expovariate(1.0 / mean)

    def _follow(self) -> None:
        self.balance.notes.update(self._monitor.take())
        for message in self._link.arrived():
            self._count(message)

    def _count(self, message: Message) -> None:
        arguments, address = message.arguments, message.address
        if address == "/diffroll/live/status":
            self._count_hops(*map(int, arguments[2:5]))  # type: ignore[arg-type]
        elif address == "/diffroll/status":
            self._see_whether_back(str(arguments[0]))
        elif address == "/diffroll/late":
            self.balance.late.update(str(arguments[0]), int(arguments[1]))  # type: ignore[arg-type]
        elif address in ("/diffroll/audio/ready", "/diffroll/audio/freed"):
            self.balance.unanswered.discard(str(arguments[0]))
        elif address == "/diffroll/error":
            self.balance.replies[f"error {arguments[1]!s}"] += 1
            self.balance.unanswered.discard(str(arguments[0]))
        elif address.startswith(_TOLD):
            self.balance.replies[address.removeprefix("/diffroll/")] += 1
            if address.startswith("/diffroll/job/"):
                self.balance.unanswered.discard(str(arguments[0]))

        if address == "/diffroll/jam/ahead":
            self.balance.late.update(str(arguments[0]), int(arguments[2]))  # type: ignore[arg-type]

    def _count_hops(self, hops: int, missed: int, late: int) -> None:
        grown = self.balance.missed.update(BUFFER, missed)
        self.balance.missed_down += grown if self._killed is not None or hops == self.balance.hops else 0
        self.balance.hops = hops
        self.balance.late.update(BUFFER, late)

    def _end(self) -> None:
        """Ask for nothing more, stop listening, and wait until all that sounds or runs has ended."""
        for name in list(self.balance.unanswered):
            self._link.send("/diffroll/job/cancel", name)
        self._link.send("/diffroll/jam/stop", "jam")
        self._link.send("/diffroll/audio/free", BUFFER)
        deadline = time.monotonic() + SETTLE
        while time.monotonic() < deadline or self._killed is not None or self.balance.notes.hanging:
            time.sleep(0.05)
            self._ask_whether_back()
            self._follow()
            if time.monotonic() > deadline + RETURN:
                break
        self.balance.memory.append(resident(self._daemon.pid))

    def _kill_if_due(self) -> None:
        """Kill the inference process, as the system does when out of memory, once it is due and notes sound."""
        self._ask_whether_back()
        if (
            self._killed is None
            and not self._asked
            and self._kills_due
            and time.monotonic() >= self._kills_due[0]
            and self.balance.notes.hanging
        ):
            del self._kills_due[0]
            self._dead = forked(self._daemon.pid)
            for each in self._dead:
                os.kill(each, signal.SIGKILL)
            self.balance.kills += 1
            self._killed = time.monotonic()

    def _ask_whether_back(self) -> None:
        """Ask the daemon, once there is another process: it has seen the death by then."""
        if self._killed is not None and not self._asked and forked(self._daemon.pid) - self._dead:
            self._link.send("/diffroll/status")
            self._asked = True

    def _see_whether_back(self, state: str) -> None:
        self._asked = False
        if self._killed is not None and state != "restarting":
            self.balance.recoveries.append(time.monotonic() - self._killed)
            self._killed = None

    def _job(self) -> None:
        self._job_number += 1
        job, task = f"job-{self._job_number}", self._chance.choice(TASKS)
        self.balance.unanswered.add(job)
        self._link.send("/diffroll/job/new", job, task, "" if task == "generate" else "piano")
        if task == "inpaint":
            self._link.send("/diffroll/job/region", job, 2.0, 2.0 + self._chance.uniform(0.5, 6.0))
        self._link.send("/diffroll/job/set", job, "channel", 2 + self._chance.randrange(4))
        self._link.send("/diffroll/job/set", job, "seconds", self._chance.uniform(1.0, 10.0))
        self._link.send("/diffroll/job/run", job)

    def _cancel(self) -> None:
        if self._job_number:
            self._link.send("/diffroll/job/cancel", f"job-{max(1, self._job_number - self._chance.randrange(_RECENT))}")

    def _buffer(self) -> None:
        """Read one more buffer, and forget an older one."""
        self._link.send("/diffroll/audio/free", f"extra-{self._buffer_number}")
        self._buffer_number += 1
        name = f"extra-{self._buffer_number}"
        self.balance.unanswered.add(name)
        self._link.send("/diffroll/audio/file", name, str(self._recording))

    def _picture(self) -> None:
        self._link.send("/diffroll/audio/picture", "piano")

    def _scrape(self) -> None:
        """Read the metrics, as Prometheus does."""
        with urllib.request.urlopen(self._metrics, timeout=RETURN) as answer:  # noqa: S310 - our own address
            self.balance.replies["scrapes"] += b"diffroll_jobs_total" in answer.read()

    def _panic(self) -> None:
        self._link.send("/diffroll/panic")

    def _jam(self) -> None:
        """Play three notes and give the turn to the model, or take it back."""
        if self._chance.random() < 0.5:
            self._link.send("/diffroll/jam/start", "jam", "osc")
            self._link.send("/diffroll/jam/set", "jam", "channel", 9)
            for pitch in (60, 64, 67):
                self._link.send("/diffroll/jam/note", "jam", pitch, 80)
            self._link.send("/diffroll/jam/cue", "jam")
        else:
            self._link.send("/diffroll/jam/note", "jam", 72, 80)

    def _lose_port(self) -> None:
        """Kill the JACK server and start it again."""
        self._follow()
        self._server.kill()
        self.balance.notes.lose_port()
        self._monitor.__exit__(None, None, None)
        self._player.__exit__(None, None, None)
        self._server.stop()
        self._server.start()
        self._player = JackPlayer(PLAYER).__enter__()
        self._monitor = MidiMonitor(MIDI_PORT).__enter__()
        deadline = time.monotonic() + RETURN
        while time.monotonic() < deadline:
            arrived = self._link.arrived()
            for message in arrived:
                self._count(message)
            if any(message.address == "/diffroll/audio/reconnected" for message in arrived):
                self.balance.replies["audio/reconnected"] += 1
                return
            time.sleep(0.1)
        self.balance.replies["input that never came back"] += 1


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_TROUBLES: dict[str, Callable[[Soak], None]] = {
    "job": Soak._job,  # noqa: SLF001 - its own table
    "cancel": Soak._cancel,  # noqa: SLF001
    "jam": Soak._jam,  # noqa: SLF001
    "panic": Soak._panic,  # noqa: SLF001
    "buffer": Soak._buffer,  # noqa: SLF001
    "picture": Soak._picture,  # noqa: SLF001
    "scrape": Soak._scrape,  # noqa: SLF001
    "lost port": Soak._lose_port,  # noqa: SLF001
}
