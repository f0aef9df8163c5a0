"""Run a JACK server of our own, with its dummy driver, where a machine has no MIDI system.

Needs no sound card and no kernel sequencer. The server has a name of its own, so that it never gets in the way of a
user's server, and it is stopped by way of its process.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from diffroll_live.audio.jack.client import jack_answers
from diffroll_live.errors import PortError

logger = logging.getLogger(__name__)

SAMPLE_RATE = 48_000
PERIOD_FRAMES = 1024  # shorter periods come late on two busy cores
CLIENT_SECONDS = 10.0  # until the server drops a client that does not keep up; its default of 0.5 drops healthy ones
START_SECONDS = 30.0
STOP_SECONDS = 15.0  # jackd may take over ten on a busy machine
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where jackd puts its sockets and semaphores
_NAME = re.compile(r"[A-Za-z0-9-]{1,40}")


class DummyJack:
    """A named JACK server with the dummy driver, running inside ``with``.

    Clients find it by ``environment``. With ``realtime``, it and its clients go before all other programs, where the
    user may have that. Raises PortError where jackd is not installed or does not start.
    """

    def __init__(self, name: str, period_frames: int = PERIOD_FRAMES, *, realtime: bool = False) -> None:
        if not _NAME.fullmatch(name):
            raise PortError(f"'{name}' cannot name a JACK server: use letters, digits and hyphens.")
        self.name = name
        self._period_frames = period_frames
        self._priority = "-R" if realtime else "-r"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which a client connects to this server, and starts no other."""
        return {"JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}

    @property
    def is_running(self) -> bool:
        """Whether its process runs; a busy or frozen one may not answer even so."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers. It may have been stopped or killed before."""
        if jack_answers(self.name):
            raise PortError(f"A JACK server '{self.name}' is already running: choose another name, or stop it.")
        with tempfile.TemporaryFile() as output:
            self._process = self._launch(output)
            try:
                self._wait(self._process, output)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Stop the server, by force if need be, and remove what it leaves behind. Safe to call again."""
        process, self._process = self._process, None
        if process is None:
            return
        _end(process)
        if process.returncode == -signal.SIGKILL:
            self._free_slot()
        user = os.getuid()
        for pattern in (f"jack_sem.{user}_{self.name}_*", f"jack_{self.name}_{user}_*"):
            for left in _SHARED_MEMORY.glob(pattern):
                with contextlib.suppress(OSError):
                    left.unlink()

    def kill(self) -> None:
        """Kill the server, as a crash would, without a word to its clients."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        program = shutil.which("jackd")
        if program is None:
            raise PortError("jackd is not installed. Install it (Debian, Ubuntu: `apt install jackd2`).")
        # Its own session: Ctrl-C at the terminal is for us, and we stop the server in order.
        general = ["-n", self.name, self._priority, "-t", str(round(1000 * CLIENT_SECONDS))]
        command = [program, *general, "-d", "dummy", "-r", str(SAMPLE_RATE), "-p", f"{self._period_frames}"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def _wait(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not jack_answers(self.name):
            if process.poll() is not None or time.monotonic() > deadline:
                output.seek(0)
                output_text = output.read()[-2000:].decode(errors="replace").strip()
                raise PortError(f"The JACK server does not start. Fix what it reports: {output_text}")
            time.sleep(0.05)

    def _free_slot(self) -> None:
        """Free the slot of a killed server, by starting one of the same name and stopping it in order.

        JACK has eight slots on a machine. Only a namesake takes the slot of a killed server again: after eight killed
        servers of different names, none could start.
        """
        with tempfile.TemporaryFile() as output:
            successor = self._launch(output)
            try:
                self._wait(successor, output)
            except PortError as error:
                logger.warning("what a killed JACK server left behind could not be removed: %s", error)
            finally:
                _end(successor)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
