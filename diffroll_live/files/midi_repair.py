"""Standard MIDI Files as they are found: whatever mido cannot read is left out, and said, so that the notes survive.

A file is walked chunk by chunk and event by event and written anew for mido: inside a RIFF wrapper, with wrong lengths
and counts, with events that no reader knows. Knows nothing of notes.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import mido

from diffroll_live.errors import FileError

_HEADER, _TRACK = b"MThd", b"MTrk"
_LEAD_IN = 4096  # bytes before the header that are passed over, as of RIFF or MacBinary
_META, _END = 0xFF, 0x2F
_SYSEX = (0xF0, 0xF7)
_SYSTEM_LENGTHS = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # data bytes of system messages, which have no place in a file
_DATA_LENGTHS = {0xC0: 1, 0xD0: 1}  # of channel messages; the others have two
_CUT_SHORT = "its last event is not complete"
_MOST_SENTENCES = 8  # about one file
_LONGEST_NUMBER = 4  # bytes of a variable-length number


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A MIDI file as mido gives it, and a sentence for each thing in it that was left out or put right."""

    file: mido.MidiFile
    skipped: tuple[str, ...]


class _BrokenOff(Exception):
    """The bytes stop making sense."""


@dataclass(slots=True)
class _Track:
    """The events of a track that mido can read, and what happened to the others."""

    body: bytearray = field(default_factory=bytearray)
    at: int = 0  # where the last whole event ends
    delta: int = 0  # ticks of events that were left out, and belong to the next one
    left_out: int = 0  # events
    ended: bool = False  # its end-of-track event was read

    def add(self, delta: int, event: bytes) -> None:
        self.body += _number(self.delta + delta) + event
        self.delta = 0

    def leave_out(self, delta: int) -> None:
        self.delta += delta
        self.left_out += 1


def parse_smf(data: bytes) -> ParsedFile:
    """Read a MIDI file.

    Raises FileError, whose sentence lacks the file's name, for what is no MIDI file or has nothing that can be read.
    """
    at = data.find(_HEADER, 0, _LEAD_IN)
    if at < 0 or len(data) < at + 14:
        raise FileError("It is not a MIDI file; choose one that ends in .mid, or save it again from its DAW.")
    length, kind, count, division = struct.unpack(">Lhhh", data[at + 4 : at + 14])
    skipped: list[str] = []
    first = at + 8 + length if _is_chunk(data, at + 8 + length) else at + 14
    tracks = [bytes(track.body) for track in _tracks(data, first, skipped)]
    if count != len(tracks):
        skipped.append(f"its header counts {count} tracks, and it has {len(tracks)}")
    if not tracks:
        skipped.append("it has no tracks")
    if not any(tracks) and skipped:
        raise FileError(f"It is damaged ({skipped[0]}), and nothing in it can be read; save it again from its DAW.")
    kind = 1 if kind == 0 and len(tracks) > 1 else kind
    header = _HEADER + struct.pack(">Lhhh", 6, kind, len(tracks), division)
    anew = header + b"".join(_TRACK + struct.pack(">L", len(body)) + body for body in map(_ended, tracks))
    if len(skipped) > _MOST_SENTENCES:
        skipped[_MOST_SENTENCES:] = [f"and {len(skipped) - _MOST_SENTENCES} things more like these"]
    try:
        return ParsedFile(mido.MidiFile(file=io.BytesIO(anew), clip=True), tuple(skipped))
    except Exception as error:  # mido reports damage in many ways: EOFError, IndexError, KeyError, ...
        raise FileError(f"It is damaged ({error or type(error).__name__}); save it again from its DAW.") from error


def _tracks(data: bytes, at: int, skipped: list[str]) -> Iterator[_Track]:
    """Walk the chunks from ``at`` on; those that are no tracks are passed over."""
    number = 0
    while (at := _next_chunk(data, at)) >= 0:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        begin, end = at + 8, at + 8 + length
        right = end == len(data) or _is_chunk(data, end)
        if name != _TRACK:
            at = end if right else begin
            continue
        number += 1
        track = _Track()
        try:
            _walk(memoryview(data)[begin : end if right else None], right, track)
        except _BrokenOff as problem:
            if not track.ended:  # or else it is padded
                skipped.append(f"track {number} breaks off: {problem}")
        else:
            if not right and begin + track.at != end:
                skipped.append(f"the length of track {number} is wrong; it was read to its end")
        at = end if right else begin + track.at
        if track.left_out:
            events = "event that" if track.left_out == 1 else "events that"
            skipped.append(f"track {number} has {track.left_out} {events} cannot be read, left out")
        yield track


def _walk(data: memoryview, whole: bool, track: _Track) -> None:
    """Read the events of a track; unless ``data`` is the ``whole`` of it and no more, to its end-of-track event.

    Raises _BrokenOff where the bytes stop making sense.
    """
    status = 0
    while track.at < len(data) and (whole or data[track.at : track.at + 4] != _TRACK):
        delta, at = _read_number(data, track.at)
        first = _byte(data, at)
        if first == _META:
            kind = _byte(data, at + 1)
            event, at = _block(data, at, 2)
            if kind == _END:
                track.delta, track.ended = track.delta + delta, True
            elif _is_readable(event):
                track.add(delta, event)
            else:
                track.leave_out(delta)
        elif first in _SYSEX:
            _, at = _block(data, at, 1)
            track.delta += delta  # no note is in it
        elif first >= 0xF0:
            at += 1 + _SYSTEM_LENGTHS.get(first, 0)
            track.leave_out(delta)
        else:
            if first >= 0x80:
                status, at = first, at + 1
            if not status:
                raise _BrokenOff("its first event has no status")
            values, at = _cut(data, at, _DATA_LENGTHS.get(status & 0xF0, 2))
            track.add(delta, bytes((status,)) + values)
        track.at = at
        if track.ended and not whole:
            return


def _block(data: memoryview, at: int, head: int) -> tuple[bytes, int]:
    """Take an event of ``head`` bytes, a length and as many bytes; return it, and where it ends."""
    length, begin = _read_number(data, at + head)
    return _cut(data, at, begin + length - at)


def _cut(data: memoryview, at: int, length: int) -> tuple[bytes, int]:
    """Take some bytes; return them, and where they end."""
    if at + length > len(data):
        raise _BrokenOff(_CUT_SHORT)
    return bytes(data[at : at + length]), at + length


def _is_readable(event: bytes) -> bool:
    """Whether mido can read a meta event."""
    try:
        mido.MetaMessage.from_bytes(list(event))
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is left out
        return False
    return True


def _is_chunk(data: bytes, at: int) -> bool:
    """Whether a chunk, whose name is four letters, can begin at a place."""
    name = data[at : at + 4]
    return len(name) == 4 and name.isalnum() and name.isascii() and at + 8 <= len(data)


def _next_chunk(data: bytes, at: int) -> int:
    """Find the chunk at ``at``, or the next track; -1 where there is none."""
    return at if _is_chunk(data, at) else data.find(_TRACK, at)


def _byte(data: memoryview, at: int) -> int:
    try:
        return data[at]
    except IndexError:
        raise _BrokenOff(_CUT_SHORT) from None


def _read_number(data: memoryview, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte; return it, and where it ends."""
    value = 0
    for place in range(at, at + _LONGEST_NUMBER):
        byte = _byte(data, place)
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    raise _BrokenOff("a time or a length in it is too large")


def _number(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))


def _ended(body: bytes) -> bytes:
    return body + bytes((0, _META, _END, 0))
