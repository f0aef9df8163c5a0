"""WAV: what was streamed or broken off by a crash has a length in its header that is zero, a maximum, or too small."""

from __future__ import annotations

import struct

from diffroll_live.errors import AudioError
from diffroll_live.files.lengths.parts import Part

_UNKNOWN = (range(0x7FFF0000, 0x80000200), range(0xFFFF0000, 0x100000000))  # what programs write that cannot seek
_LARGEST = 0xFFFFFFFF


def wav_parts(data: bytes) -> tuple[Part, ...]:
    """The whole of a WAV file, with the length of its data put right. Raises AudioError where bytes are missing."""
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack("<4sI", data[at : at + 8])
        begin = at + 8
        if name == b"data":
            return (_with_length(data, begin, length),)
        at = begin + length + length % 2
    return (Part(0, len(data)),)


def _with_length(data: bytes, begin: int, length: int) -> Part:
    present = len(data) - begin
    is_unknown = any(length in lengths for lengths in _UNKNOWN)
    if length > present and not is_unknown:
        raise AudioError(f"its header promises {length - present} bytes more; export it again")
    end = begin + length
    if length <= present and (_is_end(data, end) or _is_end(data, end + length % 2)):
        return Part(0, len(data))
    return Part(begin, len(data), data[: begin - 4] + struct.pack("<I", min(present, _LARGEST)), is_exact=False)


def _is_end(data: bytes, at: int) -> bool:
    """Whether data can end at a place: with the file, or before another chunk."""
    name = data[at : at + 4]
    return at == len(data) or (len(name) == 4 and name.isascii() and name.decode().isprintable())
