"""OSC 1.0 over a stream such as TCP: each packet comes after its length, an int32. No sockets."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from diffroll_live.errors import ProtocolError

_LENGTH = struct.Struct(">i")


def frame(packet: bytes) -> bytes:
    """Put its length before a packet."""
    return _LENGTH.pack(len(packet)) + packet


class PacketReader:
    """Takes a stream as it arrives, in pieces of any size, and gives its packets.

    A packet may have 1 to ``most`` bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._received = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._received += data

    def packets(self) -> Iterator[bytes]:
        """Give each packet that is complete, and forget it.

        Raises errors.ProtocolError at an impossible length; nothing after it can be read.
        """
        while len(self._received) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._received)
            if not 0 < length <= self._most:
                raise ProtocolError(f"A packet of {length} bytes is outside 1 to {self._most}.")
            end = _LENGTH.size + length
            if len(self._received) < end:
                return
            packet = bytes(self._received[_LENGTH.size : end])
            del self._received[:end]
            yield packet
