"""A TCP connection to a daemon on this machine, for benchmarks in which no message may be lost on the way."""

from __future__ import annotations

import socket
from collections import deque

from diffroll_live.bench.daemon import ANSWER_SECONDS, Link
from diffroll_live.errors import TimedOut
from diffroll_live.osc import codec
from diffroll_live.osc.client_codec import MAX_PACKET
from diffroll_live.osc.framing import PacketReader, frame

_READ_BYTES = 1 << 16


class StreamLink(Link):
    """A link that loses nothing, inside ``with``."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = PacketReader(MAX_PACKET)
        self._pending: deque[codec.Message] = deque()

    def send_packet(self, packet: bytes) -> None:
        """Send one packet."""
        self._socket.sendall(frame(packet))

    def arrived(self) -> list[codec.Message]:
        """All replies that have arrived, errors included, without waiting."""
        self._socket.setblocking(False)
        try:
            while True:
                self._read()
        except BlockingIOError:
            found = [*self._pending]
            self._pending.clear()
            return found
        finally:
            self._socket.settimeout(ANSWER_SECONDS)

    def _reply(self) -> codec.Message:
        while not self._pending:
            try:
                self._read()
            except OSError as error:
                raise TimedOut(f"The benchmark's daemon does not answer ({error}); run the benchmark again.") from error
        return self._pending.popleft()

    def _read(self) -> None:
        """Take what has arrived. Raises TimedOut at the end of the connection."""
        data = self._socket.recv(_READ_BYTES)
        if not data:
            raise TimedOut("The benchmark's daemon has hung up; see what it logged.")
        self._stream.feed(data)
        self._pending.extend(codec.decode_message(packet) for packet in self._stream.packets())
