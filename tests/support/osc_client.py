"""A client as simple as a DAW's: blocking, python-osc for the bytes, one UDP socket or one TCP connection.

It shares no code with the daemon, so that a mistake in the daemon's codec cannot hide behind itself.
"""

from __future__ import annotations

import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

TIMEOUT = 40.0  # s; only a failing test waits for it


@dataclass(frozen=True)
class Reply:
    """A message of the daemon."""

    address: str
    args: tuple[Any, ...]
    size: int = 0  # bytes of its datagram
    tags: str = ""


def build(address: str, *args: Any) -> bytes:
    """Write a message; a (tag, value) pair forces a type."""
    builder = OscMessageBuilder(address)
    for arg in args:
        if isinstance(arg, tuple):
            builder.add_arg(arg[1], arg[0])
        else:
            builder.add_arg(arg)
    return builder.build().dgram


def _tags(packet: bytes) -> str:
    start = packet.index(b",", packet.index(b"\0"))
    return packet[start + 1 : packet.index(b"\0", start)].decode()


class OscClient:
    """Sends messages and reads replies, one at a time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, address: str, *args: Any) -> None:
        self.send_packet(build(address, *args))

    def send_packet(self, packet: bytes) -> None:
        raise NotImplementedError

    def receive_packet(self, timeout: float) -> bytes | None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def next(self, timeout: float = TIMEOUT) -> Reply | None:
        """Give the next reply, or None after a while."""
        packet = self.receive_packet(timeout)
        if packet is None:
            return None
        message = OscMessage(packet)
        return Reply(message.address, tuple(message.params), len(packet), _tags(packet))

    def until(self, *addresses: str, timeout: float = TIMEOUT) -> tuple[Reply, list[Reply]]:
        """Read up to a reply of one of these addresses; give it and what came before it."""
        before: list[Reply] = []
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            reply = self.next(left)
            if reply is None:
                break
            if reply.address in addresses:
                return reply, before
            before.append(reply)
        raise AssertionError(f"none of {addresses} came; what came: {before}")

    def expect(self, address: str, timeout: float = TIMEOUT) -> Reply:
        """Read up to a reply and forget what came before; an error in its place fails the test."""
        reply, before = self.until(address, "/diffroll/error", timeout=timeout)
        assert reply.address == address, f"{reply} after {before}"
        return reply

    def ask(self, address: str, *args: Any, answer: str) -> Reply:
        self.send(address, *args)
        return self.expect(answer)

    def ask_wrongly(self, address: str, *args: Any) -> Reply:
        """Send what is wrong; give the error, and make sure that the daemon goes on."""
        self.send(address, *args)
        error = self.expect("/diffroll/error")
        self.ping()
        return error

    def ping(self, n: int = 7) -> None:
        assert self.ask("/diffroll/ping", n, answer="/diffroll/pong").args == (n,)

    def collect(self, job: str, *, errors_end: bool = True, timeout: float = TIMEOUT) -> Collected:
        """Read a job's replies up to its end."""
        ends = ("/diffroll/job/done", "/diffroll/job/cancelled", *(("/diffroll/error",) if errors_end else ()))
        end, before = self.until(*ends, timeout=timeout)
        assert end.args[0] == job, (end, before)
        notes = [r.args for r in before if r.address == "/diffroll/note" and r.args[0] == job]
        return Collected(end, notes, before)

    def upload(
        self,
        name: str,
        raw: bytes,
        *,
        rate: int,
        channels: int,
        fmt: str = "f32",
        chunk: int = 8192,
        order: Callable[[list[int]], Iterable[int]] = iter,
        drop: Callable[[int], bool] = lambda n: False,
    ) -> int:
        """Send a buffer in chunks, again whatever is said to be missing; give the number of rounds."""
        frames = len(raw) // channels // {"f32": 4, "s16": 2}[fmt]
        count = -(-len(raw) // chunk)
        self.ask("/diffroll/audio/open", name, rate, channels, frames, fmt, chunk, answer="/diffroll/audio/opened")
        pending, rounds, sent = list(range(count)), 0, 0
        crc = struct.unpack(">i", struct.pack(">I", zlib.crc32(raw)))[0]
        while True:
            rounds += 1
            for index in order(pending):
                sent += 1
                if not drop(sent):
                    self.send("/diffroll/audio/chunk", name, index, raw[index * chunk : (index + 1) * chunk])
            pending = self._close_buffer(name, count, crc)
            if not pending:
                return rounds

    def _close_buffer(self, name: str, count: int, crc: int) -> list[int]:
        self.send("/diffroll/audio/close", name, count, crc)
        missing: list[int] = []
        self.send("/diffroll/ping", 99)
        while True:
            reply = self.next()
            assert reply is not None, "the daemon does not answer a close"
            assert reply.address != "/diffroll/error", reply
            if reply.address == "/diffroll/audio/missing":
                missing.extend(reply.args[1:])
            elif reply.address == "/diffroll/audio/ready":
                return []
            elif reply.address == "/diffroll/pong" and missing:
                return missing


@dataclass
class Collected:
    """What came of a job."""

    end: Reply
    notes: list[tuple[Any, ...]]
    before: list[Reply]


class UdpClient(OscClient):
    """A client with a UDP socket of its own, from a port that no other client of these tests had.

    A daemon that serves many tests knows a client by its port, and may have been told to answer a former one elsewhere.
    """

    _had: ClassVar[set[int]] = set()

    def __init__(self, daemon: int, receive_buffer: int | None = None, port: int = 0) -> None:
        self.socket = self._bound(port)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.daemon = ("127.0.0.1", daemon)

    def _bound(self, port: int) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind(("127.0.0.1", port))
        given = bound.getsockname()[1]
        if port or given not in self._had:
            self._had.add(given)
            return bound
        with bound:  # until another has been found
            return self._bound(port)

    def send_packet(self, packet: bytes) -> None:
        self.socket.sendto(packet, self.daemon)

    def receive_packet(self, timeout: float) -> bytes | None:
        self.socket.settimeout(max(timeout, 1e-3))
        try:
            return self.socket.recvfrom(65536)[0]
        except TimeoutError:
            return None

    def close(self) -> None:
        self.socket.close()


class TcpClient(OscClient):
    """A client with a TCP connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))

    def send_packet(self, packet: bytes) -> None:
        self.socket.sendall(struct.pack(">i", len(packet)) + packet)

    def receive_packet(self, timeout: float) -> bytes | None:
        self.socket.settimeout(max(timeout, 1e-3))
        try:
            header = self._exactly(4)
            return self._exactly(struct.unpack(">i", header)[0]) if header else None
        except TimeoutError:
            return None

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                return b""
            data += part
        return data

    def close(self) -> None:
        self.socket.close()


CLIENTS = {"udp": UdpClient, "tcp": TcpClient}
