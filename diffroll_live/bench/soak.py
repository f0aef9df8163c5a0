"""A soak test: live input, jobs, jams, cancels, panics, bad packets, crashes and lost ports for a long time.

A daemon as a user starts it, on its own JACK server; every note that it plays is counted until the end.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import soundfile

from diffroll_live.audio.jack.server import SAMPLE_RATE, DummyJack
from diffroll_live.bench.daemon import Link, running_daemon
from diffroll_live.bench.figures import Settings
from diffroll_live.bench.jack_player import JackPlayer
from diffroll_live.bench.live import BUFFER, MIDI_PORT, PLAYER
from diffroll_live.bench.live_material import rendered
from diffroll_live.bench.memory import LINUX, PROC, family, proc_parents, resident
from diffroll_live.bench.midi_lateness import environment
from diffroll_live.bench.note_balance import Balance
from diffroll_live.errors import RequestError
from diffroll_live.osc.codec import Message

SECONDS = 10.0  # of piano, repeated
SETTLE = 15.0  # s at the end without new requests, in which everything may end
RETURN = 60.0  # s within which the daemon reopens a port
#: Mean seconds between two of a kind; crashes and lost ports come between performances.
EVERY = {"job": 4.0, "cancel": 5.0, "jam": 9.0, "panic": 11.0, "bad packet": 0.7}
BETWEEN = {"crash": 90.0, "lost port": 150.0}
_TOLD = ("/diffroll/job/done", "/diffroll/job/cancelled", "/diffroll/jam/", "/diffroll/audio/vanished")
_TORN = (b"/diffroll/job/run\0\0\0,s\0\0", b"/diffroll/job/new\0\0\0,sss\0\0\0\0x")  # truncated in their arguments
TASKS = ("transcribe", "inpaint", "continue", "generate")

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
        self._is_down = False  # the inference process, as last reported
        self.balance = Balance()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._server = stack.enter_context(DummyJack(f"diffroll-live-soak-{os.getpid()}"))
            stack.enter_context(environment(self._server.environment))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self._player = JackPlayer(PLAYER).__enter__()
            stack.callback(lambda: self._player.__exit__(None, None, None))
            self._daemon = stack.enter_context(running_daemon(self._settings, "--midi-api", "jack"))
            self._link = stack.enter_context(Link(self._daemon.port))
            self._music = rendered(SECONDS).samples
            soundfile.write(folder / "piano.wav", self._music, SAMPLE_RATE)
            self._player.record_from(MIDI_PORT)
            self._link.ask("/diffroll/audio/file", "piano", str(folder / "piano.wav"), answer="/diffroll/audio/ready")
            self._link.ask("/diffroll/audio/listen", BUFFER, PLAYER, answer="/diffroll/audio/listening")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, minutes: float, report: Report) -> Balance:
        """Cause disturbances for ``minutes``, let everything end, and return the balance."""
        begun = time.monotonic()
        until = begun + 60.0 * minutes
        self._due = {name: begun + self._wait(each) for name, each in (EVERY | BETWEEN).items()}
        while (now := time.monotonic()) < until:
            self._player.play(self._music, self._disturb)
            for name in BETWEEN:
                self._if_due(name)
            if len(self.balance.memory) <= (now - begun) / 60.0:
                self.balance.memory.append(resident(self._daemon.pid))
            report(round(min(time.monotonic(), until) - begun), round(until - begun))
        self._end()
        self.balance.minutes = (time.monotonic() - begun) / 60.0
        return self.balance

    def _disturb(self) -> None:
        """Called twenty times a second while the piano plays."""
        for name in EVERY:
            self._if_due(name)
        self._follow()

    def _if_due(self, name: str) -> None:
        if time.monotonic() < self._due[name]:
            return
        self._due[name] = time.monotonic() + self._wait((EVERY | BETWEEN)[name])
        self.balance.done[name] += 1
        _TROUBLES[name](self)

    def _wait(self, mean: float) -> float:
        return self._chance.expovariate(1.0 / mean)

    def _follow(self) -> None:
        self.balance.notes.update(message for _, message in self._player.take_events())
        for message in self._link.arrived():
            self._count(message)

    def _count(self, message: Message) -> None:
        arguments, address = message.arguments, message.address
        if address == "/diffroll/live/status":
            self._count_hops(*map(int, arguments[2:5]))  # type: ignore[arg-type]
        elif address == "/diffroll/late":
            self.balance.late.update(str(arguments[0]), int(arguments[1]))  # type: ignore[arg-type]
        elif address == "/diffroll/error":
            self.balance.replies[f"error {arguments[1]!s}"] += 1
        elif address.startswith(_TOLD):
            self.balance.replies[address.removeprefix("/diffroll/")] += 1

        if address == "/diffroll/jam/ahead":
            self.balance.late.update(str(arguments[0]), int(arguments[2]))  # type: ignore[arg-type]

    def _count_hops(self, hops: int, missed: int, late: int) -> None:
        self._is_down = self._is_down and hops == self.balance.hops
        grown = self.balance.missed.update(BUFFER, missed)
        self.balance.missed_down += grown if self._is_down else 0
        self.balance.hops = hops
        self.balance.late.update(BUFFER, late)

    def _end(self) -> None:
        """FirstNoteTimer for nothing more, stop listening, and wait until all that sounds has ended."""
        for number in range(4):
            self._link.send("/diffroll/job/cancel", f"job-{number}")
        self._link.send("/diffroll/jam/stop", "jam")
        self._link.send("/diffroll/audio/free", BUFFER)
        deadline = time.monotonic() + SETTLE
        while time.monotonic() < deadline:
            time.sleep(0.1)
            self._follow()
        self.balance.memory.append(resident(self._daemon.pid))

    def _job(self) -> None:
        job, task = f"job-{self._chance.randrange(4)}", self._chance.choice(TASKS)
        self._link.send("/diffroll/job/new", job, task, "" if task == "generate" else "piano")
        if task == "inpaint":
            self._link.send("/diffroll/job/region", job, 2.0, 2.0 + self._chance.uniform(0.5, 6.0))
        self._link.send("/diffroll/job/set", job, "channel", 2 + self._chance.randrange(4))
        self._link.send("/diffroll/job/set", job, "seconds", self._chance.uniform(1.0, 10.0))
        self._link.send("/diffroll/job/run", job)

    def _cancel(self) -> None:
        self._link.send("/diffroll/job/cancel", f"job-{self._chance.randrange(4)}")

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

    def _bad_packet(self) -> None:
        chance = self._chance
        noise = chance.randbytes(chance.choice((0, 1, 7, 64, 1400)))
        self._link.send_packet(chance.choice((noise, b"#bundle\0" + noise, *_TORN)))

    def _crash(self) -> None:
        """Kill the inference process, as the system does when out of memory."""
        for each in family(self._daemon.pid, proc_parents()):
            if b"spawn_main" in (PROC / str(each) / "cmdline").read_bytes():
                os.kill(each, signal.SIGKILL)
                self._is_down = True

    def _lose_port(self) -> None:
        """Kill the JACK server and start it again."""
        self._follow()
        self._server.kill()
        self.balance.notes.lose_port()
        self._player.__exit__(None, None, None)
        self._server.stop()
        self._server.start()
        self._player = JackPlayer(PLAYER).__enter__()
        self._player.record_from(MIDI_PORT)
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


_TROUBLES: dict[str, Callable[[Soak], None]] = {
    "job": Soak._job,  # noqa: SLF001 - its own table
    "cancel": Soak._cancel,  # noqa: SLF001
    "jam": Soak._jam,  # noqa: SLF001
    "panic": Soak._panic,  # noqa: SLF001
    "bad packet": Soak._bad_packet,  # noqa: SLF001
    "crash": Soak._crash,  # noqa: SLF001
    "lost port": Soak._lose_port,  # noqa: SLF001
}
