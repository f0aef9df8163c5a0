"""OSC 1.0 packets to messages and back, with every length bounded. Knows no address of ours.

Reading is written here rather than taken from python-osc, whose parser copies the rest of the datagram for each
argument and never returns from a bundle with an element of negative length. Writing is python-osc's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pythonosc.parsing import osc_types

from diffroll_live.errors import ProtocolError
from diffroll_live.types import Floats

MAX_ARGUMENTS = 128  # of one message, a long run of floats at its end counted as one
MAX_REPLY_ARGUMENTS = 16_384  # of one message of the daemon; a list of missing chunks is the longest
LONG_RUN = 64  # floats; a longer run at the end of a message is read as one array
MAX_STRING = 4096  # bytes; a path is the longest string there is
MAX_TAGS = 300_000  # one run of floats of the largest TCP packet
MAX_MESSAGES = 1024  # of one bundle, nested ones counted
MAX_DEPTH = 8  # bundles inside bundles

_BUNDLE = b"#bundle\x00"

Argument = int | float | str | bytes | bool | None | Floats


@dataclass(frozen=True, slots=True)
class Message:
    """One OSC message: its address and its arguments as Python values.

    A run of more than LONG_RUN floats at the end is one (n,) float32 array, so that audio costs no loop.
    """

    address: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Malformed:
    """An element of a packet that is no message or exceeds the bounds above."""

    address: str  # empty when not even that could be read
    error: ProtocolError


def decode(packet: bytes) -> tuple[Message | Malformed, ...]:
    """Read a packet; a bundle gives its elements in order, and its time tags are ignored.

    An element that cannot be read costs itself alone. There are at most MAX_MESSAGES + 1 elements.
    """
    elements: list[Message | Malformed] = []
    _decode_element(packet, elements, depth=0)
    return tuple(elements)


def decode_message(packet: bytes, max_arguments: int = MAX_REPLY_ARGUMENTS) -> Message:
    """Read one message of a program whose answers may be longer than a client's; bundles are not accepted.

    Raises errors.ProtocolError when it is malformed or has more than ``max_arguments``.
    """
    address, index = _read_address(packet)
    return Message(address, _read_arguments(packet, index, address, max_arguments))


def encode(address: str, tags: str, values: tuple[int | float | str | bytes, ...]) -> bytes:
    """Write one message; ``tags`` has a letter of ``ifsbTF`` for each value.

    Raises errors.ProtocolError when a value does not fit its tag.
    """
    try:
        parts = [osc_types.write_string(address), osc_types.write_string("," + tags)]
        parts += [_WRITERS[tag](value) for tag, value in zip(tags, values, strict=True)]
    except (osc_types.BuildError, OverflowError, KeyError, ValueError) as error:
        raise ProtocolError(f"{address} cannot be written: {error}.") from error
    return b"".join(parts)


def _decode_element(packet: bytes, elements: list[Message | Malformed], depth: int) -> None:
    if len(elements) > MAX_MESSAGES:
        return
    if len(elements) == MAX_MESSAGES:
        error = ProtocolError(f"A bundle holds more than {MAX_MESSAGES} messages; send several bundles.")
        elements.append(Malformed("", error))
        return
    if not packet.startswith(_BUNDLE):
        elements.append(_decode_message(packet))
        return
    try:
        _decode_bundle(packet, elements, depth)
    except ProtocolError as error:
        elements.append(Malformed("", error))


def _decode_bundle(packet: bytes, elements: list[Message | Malformed], depth: int) -> None:
    """Read the elements of a bundle. Raises errors.ProtocolError where the next one cannot be found."""
    if depth >= MAX_DEPTH:
        raise ProtocolError(f"Bundles are nested more than {MAX_DEPTH} deep.")
    index = len(_BUNDLE) + 8  # the time tag
    if len(packet) < index:
        raise ProtocolError("A bundle ends before its time tag does.")
    while index < len(packet):
        length, index = _int32(packet, index)
        if length <= 0 or length % 4 or length > len(packet) - index:
            raise ProtocolError(f"A bundle element of {length} bytes does not fit the bundle.")
        _decode_element(packet[index : index + length], elements, depth + 1)
        index += length


def _decode_message(packet: bytes) -> Message | Malformed:
    address = ""
    try:
        address, index = _read_address(packet)
        return Message(address, _read_arguments(packet, index, address, MAX_ARGUMENTS))
    except ProtocolError as error:
        return Malformed(address, error)


def _read_address(packet: bytes) -> tuple[str, int]:
    address, index = _string(packet, 0, MAX_STRING)
    if not address.startswith("/"):
        raise ProtocolError("An OSC message starts with an address, and an address with a slash.")
    return address, index


def _read_arguments(packet: bytes, index: int, address: str, most: int) -> tuple[Argument, ...]:
    if index == len(packet):  # old senders leave out the tags of a message without arguments
        return ()
    tags, index = _string(packet, index, MAX_TAGS)
    if not tags.startswith(","):
        raise ProtocolError(f"The type tags of {address} do not start with a comma.")
    return _arguments(packet, index, address, tags[1:], most)


def _arguments(packet: bytes, index: int, address: str, tags: str, most: int) -> tuple[Argument, ...]:
    n_floats = len(tags) - len(tags.rstrip("f"))
    single = tags if n_floats <= LONG_RUN else tags[:-n_floats]
    if len(single) > most:
        raise ProtocolError(f"{address} has more than {most} arguments.")
    values: list[Argument] = []
    for tag in single:
        if tag not in _READERS:
            raise ProtocolError(f"{address} has an argument of type '{tag}'; send i, f, s, b, d, h, T or F.")
        value, index = _READERS[tag](packet, index)
        values.append(value)
    if len(single) < len(tags):
        values.append(_floats(packet, index, n_floats))
    return tuple(values)


def _floats(packet: bytes, index: int, count: int) -> Floats:
    if len(packet) - index < 4 * count:
        raise ProtocolError("A message ends inside its list of floats.")
    return np.frombuffer(packet, ">f4", count, index).astype(np.float32)


def _string(packet: bytes, index: int, limit: int = MAX_STRING) -> tuple[str, int]:
    end = packet.find(b"\x00", index, index + limit + 1)
    if end < 0:
        raise ProtocolError(f"A string has no end within {limit} bytes.")
    following = end + 4 - (end - index) % 4
    if following > len(packet):
        raise ProtocolError("A message ends inside the padding of a string.")
    try:
        return packet[index:end].decode("utf-8"), following
    except UnicodeDecodeError as error:
        raise ProtocolError("A string is not UTF-8.") from error


def _blob(packet: bytes, index: int) -> tuple[bytes, int]:
    length, index = _int32(packet, index)
    following = index + length + -length % 4
    if length < 0 or following > len(packet):
        raise ProtocolError(f"A blob of {length} bytes does not fit its message.")
    return packet[index : index + length], following


def _fixed(code: str) -> Callable[[bytes, int], tuple[int | float, int]]:
    layout = struct.Struct(code)

    def read(packet: bytes, index: int) -> tuple[int | float, int]:
        if index + layout.size > len(packet):
            raise ProtocolError("A message ends inside a number.")
        return layout.unpack_from(packet, index)[0], index + layout.size

    return read


def _int32(packet: bytes, index: int) -> tuple[int, int]:
    value, following = _READ_INT(packet, index)
    return int(value), following


_READ_INT = _fixed(">i")
_READERS: dict[str, Callable[[bytes, int], tuple[Argument, int]]] = {
    "i": _READ_INT,
    "h": _fixed(">q"),
    "f": _fixed(">f"),
    "d": _fixed(">d"),
    "s": _string,
    "S": _string,
    "b": _blob,
    "T": lambda _, index: (True, index),
    "F": lambda _, index: (False, index),
    "N": lambda _, index: (None, index),
}
_WRITERS: dict[str, Callable[..., bytes]] = {
    "i": osc_types.write_int,
    "f": osc_types.write_float,
    "s": osc_types.write_string,
    "b": osc_types.write_blob,
    "T": lambda _: b"",
    "F": lambda _: b"",
}
