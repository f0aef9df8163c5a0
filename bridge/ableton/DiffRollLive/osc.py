"""OSC packets to messages and back, for a Python that has no packages. Knows neither Live nor the daemon."""

from __future__ import annotations

import struct
from typing import Any, Dict, Iterable, List, NamedTuple, Tuple

MAX_ARGUMENTS = 64  # of a message that comes in
BUNDLE_BYTES = 8000  # of a datagram of many messages; macOS refuses more than 9216
_BUNDLE_HEAD = b"#bundle\0" + struct.pack(">Q", 1)  # the time tag "at once"
_NUMBERS = {"i": ">i", "f": ">f", "d": ">d", "h": ">q"}
_CONSTANTS: Dict[str, Any] = {"T": True, "F": False, "N": None}


class Message(NamedTuple):
    """One OSC message."""

    address: str
    args: Tuple[Any, ...]


class OscError(ValueError):
    """A packet that is no OSC, or holds what nobody here understands."""


def encode(address: str, *args: Any) -> bytes:
    """Write a message: an int is an ``i``, a float an ``f``, a str an ``s``, a bool 0 or 1.

    Raises OscError for a value that OSC cannot hold.
    """
    tags, parts = ",", []
    for arg in args:
        tag = next((tag for kind, tag in ((int, "i"), (float, "f"), (str, "s")) if isinstance(arg, kind)), "")
        if not tag:
            raise OscError(f"{arg!r} cannot be sent")
        tags += tag
        try:
            parts.append(_padded(arg) if tag == "s" else struct.pack(_NUMBERS[tag], arg))
        except (struct.error, OverflowError, UnicodeEncodeError) as error:
            raise OscError(f"{arg!r} cannot be sent: {error}") from None
    return b"".join([_padded(address), _padded(tags), *parts])


def bundles(packets: Iterable[bytes]) -> List[bytes]:
    """Pack messages, in their order, into as few bundles of BUNDLE_BYTES as they take."""
    packed: List[List[bytes]] = []
    size = BUNDLE_BYTES
    for packet in packets:
        element = struct.pack(">i", len(packet)) + packet
        if size + len(element) > BUNDLE_BYTES:
            packed.append([_BUNDLE_HEAD])
            size = len(_BUNDLE_HEAD)
        packed[-1].append(element)
        size += len(element)
    return [b"".join(parts) for parts in packed]


def decode(packet: bytes) -> Message:
    """Read one message; bundles are not taken, since the daemon sends none. Raises OscError."""
    address, index = _text(packet, 0)
    tags, index = _text(packet, index) if index < len(packet) else (",", index)
    if not address.startswith("/") or not tags.startswith(",") or len(tags) > MAX_ARGUMENTS + 1:
        raise OscError(f"not an OSC message of at most {MAX_ARGUMENTS} arguments")
    args: List[Any] = []
    for tag in tags[1:]:
        arg: Any
        if tag == "s":
            arg, index = _text(packet, index)
        elif tag in _CONSTANTS:
            arg = _CONSTANTS[tag]
        else:
            arg, index = _number(packet, index, tag)
        args.append(arg)
    return Message(address, tuple(args))


def as_float32(value: float) -> float:
    """Round to what a float on the wire can hold."""
    return float(struct.unpack(">f", struct.pack(">f", value))[0])


def _padded(text: str) -> bytes:
    raw = text.encode("utf-8")
    if b"\0" in raw:
        raise OscError("a text with a zero byte cannot be sent")
    return raw + b"\0" * (4 - len(raw) % 4)


def _text(packet: bytes, index: int) -> Tuple[str, int]:
    end = packet.find(b"\0", index)
    following = end + 4 - (end - index) % 4
    if end < 0 or following > len(packet):
        raise OscError("a string has no end")
    try:
        return packet[index:end].decode("utf-8"), following
    except UnicodeDecodeError:
        raise OscError("a string is not UTF-8") from None


def _number(packet: bytes, index: int, tag: str) -> Tuple[Any, int]:
    layout = _NUMBERS.get(tag)
    if layout is None:
        raise OscError(f"an argument has the type {tag!r}")
    following = index + struct.calcsize(layout)
    if following > len(packet):
        raise OscError("a message ends inside a number")
    return struct.unpack_from(layout, packet, index)[0], following
