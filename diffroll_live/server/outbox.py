"""Ways to reply to a client: datagrams at a rate that its receive buffer can take, or a stream."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from diffroll_live.osc.framing import frame

logger = logging.getLogger(__name__)

# A datagram of a note takes about 800 bytes of a receiver's buffer, so the usual 212,992 bytes hold some 260 of them:
# a client that looks every 100 ms, as Live's scripts do, must not be sent more than that in the meantime.
_BATCH = 20  # datagrams
_PAUSE = 0.01  # s between batches
_MAX_WAITING = 200_000  # datagrams; sixteen variations of a long piece
_MAX_UNREAD = 64 << 20  # bytes that a TCP client may leave unread


class Outbox(Protocol):
    """Takes packets for one client, in order."""

    def send(self, packet: bytes) -> None:
        """Send a packet now or soon. Never blocks."""

    def redirect(self, port: int) -> None:
        """Send to another port of the same host from now on; 0 is the one that it sends from."""

    def drain(self) -> None:
        """Send what is queued now: the daemon is shutting down."""

    def close(self) -> None:
        """Send nothing more."""


class DatagramOutbox:
    """Writes a batch at most, then pauses."""

    def __init__(self, write: Callable[[bytes, tuple[Any, ...]], None], address: tuple[Any, ...]) -> None:
        self._write = write
        self._source = self._address = address
        self._waiting: deque[bytes] = deque()
        self._credit = _BATCH
        self._timer: asyncio.TimerHandle | None = None

    def send(self, packet: bytes) -> None:
        """Send a packet now while the batch has room, else after those that wait."""
        if len(self._waiting) >= _MAX_WAITING:
            logger.debug("too many datagrams wait for a client; one is dropped")
            return
        self._waiting.append(packet)
        self._flush()

    def redirect(self, port: int) -> None:
        """Send to another port of the same host from now on; 0 is the one that it sends from."""
        host, source, *more = self._source
        self._address = (host, port or source, *more)

    def drain(self) -> None:
        """Send what waits now."""
        self._credit = len(self._waiting)
        self._flush()

    def close(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _flush(self) -> None:
        while self._waiting and self._credit > 0:
            self._credit -= 1
            self._write(self._waiting.popleft(), self._address)
        if self._timer is None and self._credit < _BATCH:
            self._timer = asyncio.get_running_loop().call_later(_PAUSE, self._refill)

    def _refill(self) -> None:
        self._timer = None
        self._credit = _BATCH
        if self._waiting:
            self._flush()


class StreamOutbox:
    """Writes to a TCP connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, packet: bytes) -> None:
        """Write a packet to the connection; abort it if the client never reads."""
        if self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() > _MAX_UNREAD:
            logger.warning("a TCP client does not read its replies; its connection is closed")
            self._writer.transport.abort()
            return
        self._writer.write(frame(packet))

    def redirect(self, port: int) -> None:
        """Do nothing: replies go where the request came from, and over TCP that is the connection."""

    def drain(self) -> None:
        """Do nothing: the system already has everything."""

    def close(self) -> None:
        """Close the connection once everything is written."""
        self._writer.close()
