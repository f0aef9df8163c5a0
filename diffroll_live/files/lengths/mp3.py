"""MP3: its frames are counted; the number in the first one (Xing) is missing in streams, too small in joined files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diffroll_live.files.lengths.parts import Part

_BIT_RATES = {  # kbit/s of layer III, by whether the version is MPEG-1
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # by version
_FAMILY = 0xFFFE0C00  # of a header: sync, version, layer and sample rate, alike in all frames of a file
_HAS_COUNT, _HAS_SIZE = 1, 2  # flags of a Xing tag
_LOOK = 1 << 16  # bytes after the tags in which the first frame must begin
_TAGS = (b"Xing", b"Info")
_NO_CRC, _BIT_RATE, _PADDING = 1 << 16, 0xF << 12, 1 << 9  # fields of a header
_MONO = 3
_TAG_RATE = {True: 5, False: 8}  # 64 kbit/s, whose frames have room for a tag


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a frame lies, and its header as a number."""

    begin: int
    end: int
    header: int


def mp3_parts(data: bytes) -> tuple[Part, ...]:
    """The whole of an MP3 file, with the true number of its frames in the first one."""
    frames = _frames(data)
    first = next(frames, None)
    if first is None:
        return (Part(0, len(data)),)
    count = sum(1 for _ in frames)
    tag = _tag_at(data, first)
    if tag is None:
        is_tag = data[first.begin + 36 : first.begin + 40] == b"VBRI"
        head = _new_tag(first, count + (not is_tag))
        return (Part(first.end if is_tag else first.begin, len(data), head, is_exact=False),)
    if not data[tag + 7] & _HAS_COUNT:
        return (Part(first.end, len(data), _new_tag(first, count), is_exact=False),)
    if int.from_bytes(data[tag + 8 : tag + 12], "big") == count:
        return (Part(0, len(data), is_exact=False),)
    head = data[first.begin : tag + 8] + count.to_bytes(4, "big")
    if data[tag + 7] & _HAS_SIZE:
        head += (len(data) - first.begin & 0xFFFFFFFF).to_bytes(4, "big")
    return (Part(first.begin + len(head), len(data), head, is_exact=False),)


def begins_mp3(data: bytes) -> bool:
    """Whether a file begins as MP3 files do, behind its ID3 tag if it has one."""
    at = _after_tags(data)
    return _frame(data, at) is not None


def _frames(data: bytes) -> Iterator[_Frame]:
    """Walk the frames, over whatever lies between them."""
    at = expected = _after_tags(data)
    latest, family = at + _LOOK, None
    while 0 <= at < (latest if family is None else len(data)):
        frame = _frame(data, at, family)
        is_next = family is not None and at == expected
        if frame and (is_next or frame.end == len(data) or _frame(data, frame.end, frame.header & _FAMILY)):
            yield frame
            family = frame.header & _FAMILY
            at = expected = frame.end
        else:
            at = data.find(b"\xff", at + 1)


def _after_tags(data: bytes) -> int:
    """Where the ID3 tag at the beginning ends."""
    head = data[:10]
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _frame(data: bytes, at: int, family: int | None = None) -> _Frame | None:
    """Read the header of a frame of layer III, one of ``family`` if that is known; None where there is none."""
    header = int.from_bytes(data[at : at + 4], "big")
    version, layer, rate = header >> 19 & 3, header >> 17 & 3, header >> 10 & 3
    code = (header & _BIT_RATE) >> 12
    if header >> 21 != 0x7FF or version == 1 or layer != 1 or rate == 3 or code in (0, 15):
        return None
    if family is not None and header & _FAMILY != family:
        return None
    samples = 144 if version == 3 else 72  # of a frame, an eighth
    size = samples * 1000 * _BIT_RATES[version == 3][code - 1] // _RATES[version][rate]
    return _Frame(at, at + size + bool(header & _PADDING), header)


def _side_bytes(header: int) -> int:
    """The bytes between a header and a tag."""
    is_mono = header >> 6 & 3 == _MONO
    return (17 if is_mono else 32) if header >> 19 & 3 == 3 else (9 if is_mono else 17)


def _tag_at(data: bytes, frame: _Frame) -> int | None:
    at = frame.begin + 4 + _side_bytes(frame.header)
    return next((place for place in (at, at + 2) if data[place : place + 4] in _TAGS), None)


def _new_tag(frame: _Frame, count: int) -> bytes:
    """A frame without sound, like another one, that says how many follow it."""
    code = _TAG_RATE[frame.header >> 19 & 3 == 3] << 12
    header = (frame.header & ~(_BIT_RATE | _PADDING) | code | _NO_CRC).to_bytes(4, "big")
    size = _frame(header, 0)
    assert size is not None
    tag = _TAGS[0] + _HAS_COUNT.to_bytes(4, "big") + count.to_bytes(4, "big")
    return (header + bytes(_side_bytes(frame.header)) + tag).ljust(size.end, b"\0")
