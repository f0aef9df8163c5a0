"""A MIDI file whose notes are filled or continued while every other event stays as it is, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diffroll_live.errors import RequestError
from diffroll_live.files.midi_bend import Zones, bends_of, read_zones
from diffroll_live.files.midi_file import open_smf, placed, tick_of
from diffroll_live.files.midi_meter import meter_of_file, read_tempo
from diffroll_live.files.midi_notes import TrackNote, notes_of
from diffroll_live.files.midi_pedal import pedal_messages, read_pedal
from diffroll_live.files.midi_repair import Chunk, Event, ParsedFile, track_of, write_chunks
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.meter.tempo_map import TempoMap
from diffroll_live.music.regions import holds
from diffroll_live.types import Bend, NoteEvent, PedalSpan, Region

DRUMS = 9  # General MIDI's channel of drums, counted from 0
AROUND = 10.0  # s on both sides of what is written, where notes tell which part it belongs to
_TRACK_NAME = bytes((0xFF, 0x03))
_RELEASE = 64  # velocity


@dataclass(frozen=True, slots=True)
class Part:
    """The notes of one channel of one track, in seconds, sorted. ``track`` counts the file's tracks from 1.

    All channels of an MPE zone are one part, on its manager's.
    """

    track: int
    channel: int  # 0..15
    name: str  # of the track
    notes: tuple[NoteEvent, ...]

    @property
    def is_pitched(self) -> bool:
        """Whether its keys are pitches, not drums."""
        return self.channel != DRUMS

    def __str__(self) -> str:
        name = f" '{self.name}'" if self.name else ""
        return f"track {self.track}{name}, channel {self.channel + 1}"


@dataclass(frozen=True, slots=True)
class Song:
    """A MIDI file as music: its parts, and its bars and beats; ``meter`` is None where it does not say them."""

    name: str
    parts: tuple[Part, ...]
    meter: MeterMap | None
    pedal: tuple[PedalSpan, ...]
    bends: tuple[Bend, ...]
    _zones: Zones
    _file: ParsedFile
    _tempo: TempoMap

    def others(self, part: Part) -> tuple[NoteEvent, ...]:
        """The pitched notes of all parts but one, sorted."""
        others = (other for other in self.parts if other is not part and other.is_pitched)
        return tuple(sorted(note for other in others for note in other.notes))

    def part(self, wanted: str | None, spans: Sequence[tuple[float, float]]) -> Part:
        """The part that new notes go to: the ``wanted`` one, or the one with most notes around ``spans``, in seconds.

        ``wanted`` is a track's number or name, also with a channel: ``2``, ``Piano``, ``1:3``. Raises
        errors.RequestError, which lists the parts, where there is no such part, or it is of drums.
        """
        found = [part for part in self.parts if part.notes] if wanted is None else self._named(wanted)
        pitched = [part for part in found if part.is_pitched]
        if not pitched:
            raise RequestError(self._refusal(wanted))
        return max(pitched, key=lambda part: (_notes_near(part, spans), len(part.notes)))

    def with_notes(
        self, part: Part, regions: Sequence[Region], new: Iterable[NoteEvent], pedal: Iterable[PedalSpan] = ()
    ) -> bytes:
        """Write the file with new notes in place of those of a part that begin in regions, and with more ``pedal``.

        A new note lies on the nearest ticks, and lasts one at least.
        """
        tracks = [at for at, chunk in enumerate(self._file.chunks) if chunk.is_track]
        at = tracks[part.track - 1]
        track = self._file.chunks[at]
        gone = {place for note in self._replaced(track, part, regions) for place in (note.on, note.off)}
        kept = [(tick, 1, event) for place, (tick, event) in enumerate(track.events) if place not in gone]
        fresh = (*self._events(part.channel, new), *self._presses(part.channel, pedal))
        events = sorted([*kept, *fresh], key=lambda event: event[:2])
        changed = track_of([(tick, event) for tick, _, event in events], track.end)
        chunks = (*self._file.chunks[:at], changed, *self._file.chunks[at + 1 :])
        return write_chunks(self._file.kind, self._file.division, chunks)

    def _replaced(self, track: Chunk, part: Part, regions: Sequence[Region]) -> list[TrackNote]:
        notes = [note for note in _notes(track, self._zones) if note.channel == part.channel]
        pairs = zip(notes, placed(notes, self._tempo, self._file.division), strict=True)
        return [note for note, event in pairs if any(holds(region, event) for region in regions)]

    def _events(self, channel: int, notes: Iterable[NoteEvent]) -> list[tuple[int, int, bytes]]:
        """New events with their ticks and their order: ends come before what is there, beginnings after it."""
        events = []
        for note in sorted(notes):
            first, last = (tick_of(t, self._tempo, self._file.division) for t in (note.onset, note.offset))
            events.append((first, 2, bytes((0x90 | channel, note.pitch, note.velocity))))
            events.append((max(last, first + 1), 0, bytes((0x80 | channel, note.pitch, _RELEASE))))
        return events

    def _presses(self, channel: int, pedal: Iterable[PedalSpan]) -> list[tuple[int, int, bytes]]:
        rows = pedal_messages(pedal, (channel,), lambda t: tick_of(t, self._tempo, self._file.division))
        return [(tick, 2 if message.value else 0, bytes(message.bytes())) for tick, message in rows]

    def _named(self, wanted: str) -> list[Part]:
        for text, channel in _readings(wanted):
            found = [part for part in self.parts if text in (str(part.track), part.name.casefold())]
            if found and channel is not None:
                found = [part for part in found if part.channel == channel] or [_empty(found[0], channel)]
            if found:
                return found
        return []

    def _refusal(self, wanted: str | None) -> str:
        if wanted is None:
            return f"{self.name} has no notes to go by but drums; generate writes from nothing."
        there = "; ".join(f"{part} ({len(part.notes)} notes)" for part in self.parts) or "none"
        return f"{self.name} has no pitched track {wanted!r}. Its tracks: {there}."


def read_song(path: Path) -> Song:
    """Read a MIDI file to change notes of it. Raises FileMissing and FileError as ``read_score`` does."""
    file = open_smf(path)
    tempo = read_tempo(file.file)
    tracks = [chunk for chunk in file.chunks if chunk.is_track]
    zones = read_zones(file.file)
    parts = tuple(
        part for at, track in enumerate(tracks) for part in _parts(at + 1, track, zones, tempo, file.division)
    )
    own = [note for track in tracks for note in notes_of(track)]
    notes = placed([replace(note, channel=zones.manager(note.channel)) for note in own], tempo, file.division)
    bends = bends_of(zones, own, notes, lambda tick: tempo.position_at(tick / file.division))
    pedal = read_pedal(file.file, tempo, zones.manager)
    return Song(path.name, parts, meter_of_file(file.file, tempo, notes), pedal, bends, zones, file, tempo)


def _notes(track: Chunk, zones: Zones) -> list[TrackNote]:
    """The notes of a track, those of an MPE zone on its manager's channel."""
    return [replace(note, channel=zones.manager(note.channel)) for note in notes_of(track)]


def _parts(number: int, track: Chunk, zones: Zones, tempo: TempoMap, division: int) -> list[Part]:
    """The parts of a track: its channels that have notes, or where it has none, the first that has any event."""
    notes = _notes(track, zones)
    channels = {note.channel for note in notes} or set(_channels(track.events)[:1]) or {0}
    name = _name(track.events)
    parts = []
    for channel in sorted(channels):
        own = [note for note in notes if note.channel == channel]
        parts.append(Part(number, channel, name, tuple(sorted(placed(own, tempo, division)))))
    return parts


def _channels(events: Sequence[Event]) -> list[int]:
    return [event[0] & 0x0F for _, event in events if event[0] < 0xF0]


def _name(events: Sequence[Event]) -> str:
    """The name of a track, without control characters."""
    for _, event in events:
        if event.startswith(_TRACK_NAME):
            text = event[3:].decode("utf-8", "replace")
            return "".join(letter for letter in text if letter.isprintable()).strip()
    return ""


def _readings(wanted: str) -> list[tuple[str, int | None]]:
    """What a text may mean, most likely first: a name or a number, then both with a channel behind a colon."""
    readings: list[tuple[str, int | None]] = [(wanted.strip().casefold(), None)]
    track, colon, channel = wanted.rpartition(":")
    if colon and channel.strip().isdecimal() and 1 <= int(channel) <= 16:
        readings.append((track.strip().casefold(), int(channel) - 1))
    return readings


def _empty(part: Part, channel: int) -> Part:
    """Another channel of a part's track, on which there is no note yet."""
    return Part(part.track, channel, part.name, ())


def _notes_near(part: Part, spans: Sequence[tuple[float, float]]) -> int:
    """How many notes of a part begin in spans or not far from them."""
    return sum(any(begin - AROUND <= note.onset < end + AROUND for begin, end in spans) for note in part.notes)
