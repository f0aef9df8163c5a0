"""Standard MIDI Files as they are found: whatever mido cannot read is left out, and said, so that the notes survive.

A file is walked chunk by chunk and event by event and written anew for mido: inside a RIFF wrapper, with wrong lengths
and counts, with events that no reader knows. Beside that, its chunks are kept as they are. Knows nothing of notes.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import mido

from diffroll_live.errors import FileError

_HEADER, _TRACK = b"MThd", b"MTrk"
_LEAD_IN = 4096  # bytes before the header that are passed over, as of RIFF or MacBinary
_META, _END = 0xFF, bytes((0xFF, 0x2F))
_SYSEX = (0xF0, 0xF7)
_SYSTEM_LENGTHS = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # data bytes of system messages, which have no place in a file
_DATA_LENGTHS = {0xC0: 1, 0xD0: 1}  # of channel messages; the others have two
_CUT_SHORT = "its last event is not complete"
_MOST_SENTENCES = 8  # about one file
_LONGEST_NUMBER = 4  # bytes of a variable-length number


Event = tuple[int, bytes]
"""A tick, and an event with its status: a channel message, a system exclusive or a meta event."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk, its ``body`` as it was found or, of a damaged track, written anew.

    Of a track: ``events`` in order, without the end of the track, which is at the tick ``end``.
    """

    name: bytes
    body: bytes
    events: tuple[Event, ...] = ()
    end: int = 0

    @property
    def is_track(self) -> bool:
        """Whether it has events."""
        return self.name == _TRACK


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A MIDI file as mido gives it, and a sentence for each thing in it that was left out or put right.

    ``kind`` and ``division`` are those of its header, ``chunks`` what follows it.
    """

    file: mido.MidiFile
    skipped: tuple[str, ...]
    kind: int
    division: int
    chunks: tuple[Chunk, ...]


class _BrokenOff(Exception):
    """The bytes stop making sense."""


@dataclass(slots=True)
class _Track:
    """The events of a track, those of them that mido can read, and what happened to the others."""

    events: list[Event] = field(default_factory=list)
    readable: list[Event] = field(default_factory=list)
    tick: int = 0
    at: int = 0  # where the last whole event ends
    left_out: int = 0  # events
    ended: bool = False  # its end-of-track event was read

    def take(self, event: bytes | None) -> None:
        """Take what comes at this tick; None is an event that no file has."""
        if event is None:
            self.left_out += 1
        elif event[:2] == _END:
            self.ended = True
        else:
            self.events.append((self.tick, event))
            if event[0] in _SYSEX:
                return  # no note is in it
            if event[0] != _META or _is_readable(event):
                self.readable.append(self.events[-1])
            else:
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
    chunks: list[Chunk] = []
    tracks = list(_tracks(data, first, chunks, skipped))
    if count != len(tracks):
        skipped.append(f"its header counts {count} tracks, and it has {len(tracks)}")
    if not tracks:
        skipped.append("it has no tracks")
    if skipped and not any(track.readable for track in tracks):
        raise FileError(f"It is damaged ({skipped[0]}), and nothing in it can be read; save it again from its DAW.")
    if len(skipped) > _MOST_SENTENCES:
        skipped[_MOST_SENTENCES:] = [f"and {len(skipped) - _MOST_SENTENCES} things more like these"]
    kind = 1 if kind == 0 and len(tracks) > 1 else kind
    anew = write_chunks(kind, division, [track_of(track.readable, track.tick) for track in tracks])
    try:
        file = mido.MidiFile(file=io.BytesIO(anew), clip=True)
    except Exception as error:  # mido reports damage in many ways: EOFError, IndexError, KeyError, ...
        raise FileError(f"It is damaged ({error or type(error).__name__}); save it again from its DAW.") from error
    return ParsedFile(file, tuple(skipped), kind, division, tuple(chunks))


def write_chunks(kind: int, division: int, chunks: Sequence[Chunk]) -> bytes:
    """Write a file of a header and these chunks."""
    head = struct.pack(">hhh", kind, sum(chunk.is_track for chunk in chunks), division)
    whole = (Chunk(_HEADER, head), *chunks)
    return b"".join(chunk.name + struct.pack(">L", len(chunk.body)) + chunk.body for chunk in whole)


def track_of(events: Sequence[Event], end: int) -> Chunk:
    """Make a track of events in order; it ends at the tick ``end``, or with the last of them."""
    body, last = bytearray(), 0
    for tick, event in events:
        body += _number(tick - last) + event
        last = tick
    end = max(end, last)
    return Chunk(_TRACK, bytes(body) + _number(end - last) + _END + b"\0", tuple(events), end)


def _tracks(data: bytes, at: int, chunks: list[Chunk], skipped: list[str]) -> Iterator[_Track]:
    """Walk the chunks from ``at`` on and add them to ``chunks``; those that are no tracks are passed over."""
    number = 0
    while (at := _next_chunk(data, at)) >= 0:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        begin, end = at + 8, at + 8 + length
        right = end == len(data) or _is_chunk(data, end)
        if name != _TRACK:
            if right:
                chunks.append(Chunk(name, data[begin:end]))
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
        read = track_of(track.events, track.tick)
        chunks.append(
            replace(read, body=data[begin:end]) if right and track.ended and begin + track.at == end else read
        )
        yield track


def _walk(data: memoryview, whole: bool, track: _Track) -> None:
    """Read the events of a track; unless ``data`` is the ``whole`` of it and no more, to its end-of-track event.

    Raises _BrokenOff where the bytes stop making sense.
    """
    status = 0
    while track.at < len(data) and (whole or data[track.at : track.at + 4] != _TRACK):
        delta, at = _read_number(data, track.at)
        first = _byte(data, at)
        event: bytes | None = None
        if first == _META or first in _SYSEX:
            event, at = _block(data, at, 2 if first == _META else 1)
        elif first >= 0xF0:
            at += 1 + _SYSTEM_LENGTHS.get(first, 0)
        else:
            if first >= 0x80:
                status, at = first, at + 1
            if not status:
                raise _BrokenOff("its first event has no status")
            values, at = _cut(data, at, _DATA_LENGTHS.get(status & 0xF0, 2))
            event = bytes((status,)) + values
        track.at, track.tick = at, track.tick + delta
        track.take(event)
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
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))
