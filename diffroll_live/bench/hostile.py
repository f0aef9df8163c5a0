"""Datagrams as no client should send them, from sockets that come and go: the daemon must outlive all of them."""

from __future__ import annotations

import math
import random
import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from diffroll_live.osc import codec
from diffroll_live.osc.arguments import field_types
from diffroll_live.osc.messages import CLIENT_MESSAGES

A_SOCKET = 500  # datagrams from one source; then another takes over, as one more client
MOST_AT_ONCE = 100  # more would only fill the socket of the daemon, and be dropped by the system
_ODD_NUMBERS = (math.nan, math.inf, -math.inf, -1.0, 0.0, 1e30, -(2.0**31), 1e-40)
_ODD_TEXTS = ("", "x" * 600, "../../etc/passwd", "%s%n", "take\x00", "\u202e", "piano", "job-1")
#: What is asked for by these is done, however it is meant: they would silence the music, or open inputs and jams.
_OBEYED = frozenset({"/diffroll/panic", "/diffroll/audio/listen", "/diffroll/jam/start"})
_ADDRESSES = tuple(address for address in CLIENT_MESSAGES if address not in _OBEYED)


def hostile(chance: random.Random) -> bytes:
    """Make one datagram: noise, a broken bundle, or a message that is nearly right."""
    return chance.choice(_KINDS)(chance)


class Flood:
    """Sends ``total`` hostile datagrams to a port of this machine, evenly over a time, inside ``with``."""

    def __init__(self, port: int, total: int, chance: random.Random) -> None:
        self._port, self._total, self._chance = port, total, chance
        self.sent = 0
        self._socket = self._new_socket()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def catch_up(self, share: float) -> None:
        """Send what is due when ``share`` of the time has passed, as far as it is not too much at once."""
        due = min(self._total, math.ceil(self._total * min(1.0, share)))
        for _ in range(min(MOST_AT_ONCE, due - self.sent)):
            self._send(hostile(self._chance))

    @property
    def is_done(self) -> bool:
        """Whether all have been sent."""
        return self.sent >= self._total

    def _send(self, packet: bytes) -> None:
        if self.sent % A_SOCKET == A_SOCKET - 1:
            self._socket.close()
            self._socket = self._new_socket()
        self._socket.send(packet)
        self.sent += 1

    def _new_socket(self) -> socket.socket:
        new = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        new.connect(("127.0.0.1", self._port))
        return new


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 4, 7, 64, 1400, 9000)))


def _bundle(chance: random.Random) -> bytes:
    """A bundle whose elements lie about their sizes, or that holds itself many times over."""
    if chance.random() < 0.3:
        inner = b"#bundle\0" + bytes(8)
        for _ in range(chance.randrange(1, 80)):
            inner = b"#bundle\0" + bytes(8) + struct.pack(">i", len(inner)) + inner
        return inner
    size = chance.choice((-1, 0, 3, 1 << 30, 2**31 - 1))
    return b"#bundle\0" + chance.randbytes(8) + struct.pack(">i", size) + chance.randbytes(chance.randrange(64))


def _wrong_arguments(chance: random.Random) -> bytes:
    """A known address with arguments of any kind and number."""
    values = [chance.choice((*_ODD_NUMBERS, *_ODD_TEXTS, 0, -1, 2**31 - 1)) for _ in range(chance.randrange(8))]
    return _message(chance.choice(_ADDRESSES), values)


def _odd_values(chance: random.Random) -> bytes:
    """A known address with arguments of the right kinds and odd values."""
    address = chance.choice(_ADDRESSES)
    values: list[Any] = []
    for kind in field_types(CLIENT_MESSAGES[address]).values():
        if kind is float:
            values.append(chance.choice(_ODD_NUMBERS))
        elif kind in (int, bool):
            values.append(chance.choice((-(2**31), -1, 0, 1, 127, 128, 2**31 - 1)))
        else:
            values.append(chance.choice(_ODD_TEXTS))
    return _message(address, values)


def _damaged(chance: random.Random) -> bytes:
    """A message of which some bytes have changed, or the end is missing."""
    packet = bytearray(_odd_values(chance))
    for _ in range(chance.randrange(1, 6)):
        packet[chance.randrange(len(packet))] = chance.randrange(256)
    return bytes(packet[: chance.randrange(len(packet) + 1)] if chance.random() < 0.5 else packet)


def _message(address: str, values: list[Any]) -> bytes:
    tags = "".join("s" if isinstance(value, str) else "f" if isinstance(value, float) else "i" for value in values)
    fitting = [value.replace("\0", "?") if isinstance(value, str) else value for value in values]
    return codec.encode(address, tags, tuple(fitting))


_KINDS: tuple[Callable[[random.Random], bytes], ...] = (_noise, _bundle, _wrong_arguments, _odd_values, _damaged)
