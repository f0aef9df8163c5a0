"""The way to the daemon: one UDP socket that only it can answer, and that never blocks."""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from typing import Deque, Iterable, List

from .failures import Failure
from .osc import Message, OscError, decode

AT_ONCE = 8  # datagrams a tick, so that many notes do not overrun the daemon
MOST = 2000  # messages read a tick, so that no sender can hold Live up
RECEIVE_BUFFER = 1 << 20  # bytes asked of the system
NOT_RUNNING = "The diffroll-live daemon is not running; start it in a terminal with: diffroll-live serve"


class Link:
    """A connected socket: the system drops whatever does not come from the daemon's own port."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.connect(("127.0.0.1", port))
        self._waiting: Deque[bytes] = deque()

    @property
    def idle(self) -> bool:
        """Whether everything has been sent."""
        return not self._waiting

    def send(self, packet: bytes) -> None:
        """Send a packet now, if the system takes it; nobody is told if not."""
        with contextlib.suppress(OSError):  # a daemon that is not there is noticed where an answer is waited for
            self._socket.send(packet)

    def queue(self, packets: Iterable[bytes]) -> None:
        """Send packets a few at a tick."""
        self._waiting.extend(packets)

    def tick(self) -> None:
        """Send what is waiting, as far as it may go at once."""
        for _ in range(min(AT_ONCE, len(self._waiting))):
            self.send(self._waiting.popleft())

    def poll(self) -> List[Message]:
        """Give the messages that have come. Raises Failure when nobody listens on the daemon's port."""
        messages: List[Message] = []
        for _ in range(MOST):
            try:
                messages.append(decode(self._socket.recv(65536)))
            except BlockingIOError:
                break
            except ConnectionError:
                if messages:
                    break
                raise Failure("timed-out", NOT_RUNNING) from None
            except OscError:
                continue
        return messages

    def forget(self) -> None:
        """Drop what has not been sent, and what came for an earlier job."""
        self._waiting.clear()
        for _ in range(MOST):
            try:
                if not self.poll():
                    break
            except Failure:  # of a datagram that was sent before
                continue

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
