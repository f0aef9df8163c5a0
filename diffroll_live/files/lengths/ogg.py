"""Ogg: several streams may follow each other, as in files that were joined; libsndfile reads the first."""

from __future__ import annotations

from itertools import pairwise

from diffroll_live.files.lengths.parts import Part

_PAGE = b"OggS"
_HEADER = 27  # bytes before the lengths of the segments
_BEGINS = 2  # the flag of a stream's first page


def ogg_parts(data: bytes) -> tuple[Part, ...]:
    """A part for each stream that begins after another has ended; those that begin together are one."""
    begins: list[int] = []
    at, was_first = 0, False
    while data[at : at + 4] == _PAGE and at + _HEADER <= len(data):
        is_first = bool(data[at + 5] & _BEGINS)
        if is_first and not was_first:
            begins.append(at)
        was_first = is_first
        segments = data[at + _HEADER : at + _HEADER + data[at + 26]]
        at += _HEADER + len(segments) + sum(segments)
    if not begins:
        return (Part(0, len(data)),)
    return tuple(Part(begin, end) for begin, end in pairwise((*begins, len(data))))
