"""A daemon for the benchmarks, started as a user would, and a plain UDP client."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Self

from diffroll_live.bench.figures import Settings
from diffroll_live.errors import InternalError, TimedOut
from diffroll_live.osc import codec

START_SECONDS = 120.0
STOP_SECONDS = 15.0
ANSWER_SECONDS = 60.0
RECEIVE_BUFFER = 4 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon."""

    pid: int  # of its main process
    port: int
    ready_seconds: float  # from the start of the process to its ready line
    panel: str = ""  # the address of its panel, where it was asked for one


@contextmanager
def running_daemon(settings: Settings, *flags: str) -> Iterator[Daemon]:
    """Run ``diffroll-live serve`` on a free port. Raises InternalError if it does not start."""
    command = [*program(), "serve", "--port", "0", "--spool", "none", *flags, *engine_flags(settings)]
    with tempfile.TemporaryFile() as log:
        begin = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
            try:
                line = _next_line(process)
                seconds = time.perf_counter() - begin
                ready = re.match(r"Ready at \S+:(\d+) ", line)
                if ready is None:
                    raise InternalError(f"The daemon does not start: {last_line(log)}")
                panel = _next_line(process).removeprefix("The panel: ").strip() if "--panel" in flags else ""
                yield Daemon(process.pid, int(ready[1]), seconds, panel)
            finally:
                _stop(process)


def program() -> Sequence[str]:
    """The command that starts diffroll-live as another process."""
    return sys.executable, "-m", "diffroll_live"


def engine_flags(settings: Settings) -> Sequence[str]:
    """The options that choose the model and the device."""
    return "--device", settings.device, *(("--model", settings.model) if settings.model else ())


def last_line(log: IO[bytes]) -> str:
    """The last line of a process's output."""
    log.seek(0)
    lines = log.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "nothing")


class Link:
    """A UDP socket that talks to a daemon on this machine, inside ``with``."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.settimeout(ANSWER_SECONDS)
        self._socket.connect(("127.0.0.1", port))

    def send(self, address: str, *arguments: Any) -> None:
        """Send a message; each argument is an int, a float, a string or bytes."""
        tags = "".join(_TAGS[type(argument)] for argument in arguments)
        self.send_packet(codec.encode(address, tags, arguments))

    def send_packet(self, packet: bytes) -> None:
        """Send arbitrary bytes."""
        self._socket.send(packet)

    def until(self, *addresses: str) -> codec.Message:
        """Skip replies up to one of these. Raises InternalError for the daemon's errors, TimedOut for silence."""
        while True:
            message = self._reply()
            if message.address == "/diffroll/error":
                raise InternalError(f"The daemon reported: {message.arguments[2]!s}")
            if message.address in addresses:
                return message

    def arrived(self) -> list[codec.Message]:
        """All replies that have arrived, errors included, without waiting."""
        found: list[codec.Message] = []
        self._socket.setblocking(False)
        try:
            while True:
                found.append(codec.decode_message(self._socket.recv(1 << 16)))
        except BlockingIOError:
            return found
        finally:
            self._socket.settimeout(ANSWER_SECONDS)

    def ask(self, address: str, *arguments: Any, answer: str) -> codec.Message:
        """Send a message and wait for its answer."""
        self.send(address, *arguments)
        return self.until(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def _reply(self) -> codec.Message:
        try:
            return codec.decode_message(self._socket.recv(1 << 16))
        except OSError as error:
            raise TimedOut(f"The benchmark's daemon does not answer ({error}); run the benchmark again.") from error


def _next_line(process: subprocess.Popen[str]) -> str:
    """Wait for the next line of output; empty if the process ends or stays silent for too long."""
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        return process.stdout.readline() if process.stdout is not None else ""
    finally:
        watchdog.cancel()


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


_TAGS = {int: "i", float: "f", str: "s", bytes: "b"}
