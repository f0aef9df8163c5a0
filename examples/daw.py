"""A DAW's script in one file: a client of the daemon over OSC and UDP.

Uses python-osc for the encoding and nothing from diffroll-live; bridge/PROTOCOL.md describes the messages.
"""

from __future__ import annotations

import socket
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

CHUNK_BYTES = 4000  # some systems drop datagrams that are much larger
RECEIVE_BUFFER = 4 << 20  # bytes
Reply = tuple[str, list[Any]]


class Daw:
    """A UDP socket that talks to a daemon."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.socket.connect(("127.0.0.1", port))

    def send(self, address: str, *arguments: Any) -> None:
        """Send one message."""
        message = OscMessageBuilder(address)
        for argument in arguments:
            message.add_arg(argument)
        self.socket.send(message.build().dgram)

    def replies(self, timeout: float) -> Iterator[Reply]:
        """Yield the daemon's messages until there are none for ``timeout`` seconds. Raises its errors."""
        self.socket.settimeout(timeout)
        while True:
            try:
                message = OscMessage(self.socket.recv(65536))
            except (TimeoutError, ConnectionError):
                return
            if message.address == "/diffroll/error":
                raise RuntimeError("the daemon reported: {} ({}: {})".format(*message.params[2::-1]))
            yield message.address, list(message.params)

    def ask(self, address: str, *arguments: Any, wanted: str, timeout: float = 10.0) -> list[Any]:
        """Send a message and wait for one reply."""
        self.send(address, *arguments)
        for reply, values in self.replies(timeout):
            if reply == wanted:
                return values
        raise RuntimeError(f"the daemon did not answer {address} with {wanted}")

    def greet(self, timeout: float) -> list[Any]:
        """Say hello until the daemon is up: [protocol, version, model, device, sample_rate, max_seconds]."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                return self.ask("/diffroll/hello", "demo", wanted="/diffroll/welcome", timeout=0.5)
            except (RuntimeError, ConnectionError):
                time.sleep(0.1)
        raise RuntimeError("the daemon did not start")

    def send_audio(self, name: str, pcm: bytes, sample_rate: int, progress: Callable[[float], None]) -> int:
        """Send mono 16-bit audio in chunks and resend lost ones; return how many datagrams it took."""
        chunks = [pcm[at : at + CHUNK_BYTES] for at in range(0, len(pcm), CHUNK_BYTES)]
        plan = (sample_rate, 1, len(pcm) // 2, "s16", CHUNK_BYTES)
        (_, window) = self.ask("/diffroll/audio/open", name, *plan, wanted="/diffroll/audio/opened")
        checksum = zlib.crc32(pcm)
        signed = checksum - (checksum >> 31 << 32)  # OSC has signed numbers only
        missing, sent = list(range(len(chunks))), 0
        while missing:
            for index in missing:
                self.send("/diffroll/audio/chunk", name, index, chunks[index])
                sent += 1
                progress(min(1.0, sent / len(chunks)))
                if sent % window == 0:
                    self._await_ack()
            missing = self._close(name, len(chunks), signed)
        return sent

    def run(self, job: str, progress: Callable[[int, int], None]) -> tuple[list[list[Any]], list[Any], float]:
        """Run a job; return its notes, the values of /job/done, and the seconds until the first note.

        A note is [index, pitch, t, duration, velocity, variation].
        """
        started, first = time.perf_counter(), 0.0
        notes: dict[int, list[Any]] = {}
        self.send("/diffroll/job/run", job)
        for address, values in self.replies(30.0):
            if address == "/diffroll/job/progress":
                progress(values[1], values[2])
            elif address == "/diffroll/note" and values[0] == job:
                first = first or time.perf_counter() - started
                notes[values[1]] = values[1:]
            elif address == "/diffroll/job/done" and values[0] == job:
                return sorted(notes.values(), key=lambda note: (note[2], note[1])), values[1:], first
        raise RuntimeError("the daemon stopped answering")

    def _await_ack(self) -> None:
        """Give the daemon time to receive the chunks; a lost ack costs a tenth of a second."""
        for address, _ in self.replies(0.1):
            if address == "/diffroll/audio/ack":
                return

    def _close(self, name: str, count: int, checksum: int) -> list[int]:
        """Close the buffer; return the chunks that did not arrive."""
        self.send("/diffroll/audio/close", name, count, checksum)
        for address, values in self.replies(10.0):
            if address == "/diffroll/audio/ready":
                return []
            if address == "/diffroll/audio/missing":
                return [int(index) for index in values[1:]]
        raise RuntimeError("the daemon did not accept the audio")
