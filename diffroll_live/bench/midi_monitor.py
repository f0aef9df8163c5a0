"""The messages of a JACK MIDI port, received by JACK's own monitor: on a busy machine, too, it misses none.

A client in Python may come too late for a period, and the messages of that period are lost to it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from collections import deque
from types import TracebackType
from typing import IO, Self

from diffroll_live.errors import PortError, TimedOut

_CONNECT_SECONDS = 30.0
_END_SECONDS = 5.0
_BYTES = re.compile(r"\d: ((?:[0-9a-f]{2} )+)")


class MidiMonitor:
    """Receives from one MIDI output of the default server, inside ``with``. Raises PortError and TimedOut."""

    def __init__(self, port: str, name: str = "bench-monitor") -> None:
        self._port, self._name = port, name
        self._messages: deque[bytes] = deque()

    def __enter__(self) -> Self:
        monitor, connect = shutil.which("jack_midi_dump"), shutil.which("jack_connect")
        if monitor is None or connect is None:
            raise PortError("JACK's tools are not installed. Install them (Debian, Ubuntu: `apt install jackd2`).")
        self._begin(monitor)
        try:
            self._connect(monitor, connect)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def take(self) -> list[bytes]:
        """Return the messages since the last call."""
        return [self._messages.popleft() for _ in range(len(self._messages))]

    def _begin(self, program: str) -> None:
        self._process = subprocess.Popen(
            [program, "-a", self._name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), name=self._name, daemon=True)
        self._reader.start()

    def _connect(self, monitor: str, program: str) -> None:
        deadline = time.monotonic() + _CONNECT_SECONDS
        command = [program, self._port, f"{self._name}:input"]
        while subprocess.run(command, capture_output=True, check=False).returncode:
            if self._process.poll() is not None:  # a server that has only just started may have refused it
                self._end()
                self._begin(monitor)
            if time.monotonic() > deadline:
                raise TimedOut(f"The MIDI port {self._port} has not appeared; see the daemon's log.")
            time.sleep(0.2)

    def _read(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                if found := _BYTES.search(line):
                    self._messages.append(bytes.fromhex(found[1]))

    def _end(self) -> None:
        self._process.kill()
        self._process.wait(_END_SECONDS)
        self._reader.join()
