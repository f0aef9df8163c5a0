"""FLAC: a file that was streamed does not know how many samples it has; the header of its last frame does."""

from __future__ import annotations

from dataclasses import dataclass

from diffroll_live.files.lengths.parts import Part

_STREAM_INFO = 42  # bytes up to the end of the first metadata block
_SIZES = {1: 192, **{code: 576 << code - 2 for code in range(2, 6)}, **{code: 256 << code - 8 for code in range(8, 16)}}
_FARTHEST = 1 << 24  # bytes from the end in which the last frame is looked for
_CRC_POLYNOMIAL = 0x07


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the header of a frame says."""

    kind: tuple[int, int, int]  # of its blocking, its sample rate, its sample size
    number: int  # of the frame, or of its first sample
    size: int  # samples


def flac_parts(data: bytes) -> tuple[Part, ...]:
    """The whole of a FLAC file, with the number of its samples filled in where it is not known."""
    whole = (Part(0, len(data)),)
    if len(data) < _STREAM_INFO or _total(data):
        return whole
    first = _first_frame(data)
    frame = _frame(data, first) if first else None
    last = _last_frame(data, first, frame) if frame else None
    if frame is None or last is None:
        return whole
    begin = last.number if last.kind[0] else last.number * frame.size
    return (Part(_STREAM_INFO, len(data), _with_total(data, begin + last.size), is_exact=False),)


def _total(data: bytes) -> int:
    return (data[21] & 0x0F) << 32 | int.from_bytes(data[22:26], "big")


def _with_total(data: bytes, total: int) -> bytes:
    return data[:21] + bytes((data[21] & 0xF0 | total >> 32,)) + (total & 0xFFFFFFFF).to_bytes(4, "big") + data[26:42]


def _first_frame(data: bytes) -> int:
    """Find where the metadata ends; 0 where it does not."""
    at, is_last = 4, False
    while not is_last and at + 4 <= len(data):
        is_last = bool(data[at] & 0x80)
        at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
    return at if is_last else 0


def _last_frame(data: bytes, first: int, like: _Frame) -> _Frame | None:
    sync = bytes((0xFF, 0xF8 | like.kind[0]))
    at, limit = len(data), max(first, len(data) - _FARTHEST)
    while (at := data.rfind(sync, limit, at + 1)) >= 0:
        found = _frame(data, at)
        if found and found.kind == like.kind:
            return found
        at -= 1
    return None


def _frame(data: bytes, at: int) -> _Frame | None:
    """Read the header of a frame; None where there is none."""
    head = data[at : at + 16]
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return None
    size_code, rate_code, follows = head[2] >> 4, head[2] & 0x0F, _count_ones(head[4])
    extra = {6: 1, 7: 2}.get(size_code, 0) + {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    end = 4 + max(follows, 1) + extra
    if size_code == 0 or rate_code == 15 or follows == 1 or follows > 7 or end >= len(head):
        return None
    if _crc(head[:end]) != head[end]:
        return None
    number = head[4] & 0x7F >> follows
    for byte in head[5 : 4 + max(follows, 1)]:
        number = number << 6 | byte & 0x3F
    at = 4 + max(follows, 1)
    stated = int.from_bytes(head[at : at + {6: 1, 7: 2}.get(size_code, 0)], "big") + 1
    kind = head[1] & 1, rate_code, head[3] >> 1 & 7
    return _Frame(kind, number, _SIZES.get(size_code, stated))


def _count_ones(byte: int) -> int:
    """Count the ones at the top: the bytes of a number, where it is not one byte."""
    return next((place for place in range(8) if not byte >> 7 - place & 1), 8)


def _crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ (_CRC_POLYNOMIAL if crc & 0x80 else 0)
            crc &= 0xFF
    return crc
