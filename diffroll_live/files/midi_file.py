"""Standard MIDI Files: write notes on the DAW's tempo map, read notes in seconds. Ports are in `midi`."""

from __future__ import annotations

import io
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mido
import numpy as np

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.atomic import write_atomic
from diffroll_live.files.midi_bend import bend_messages, bends_of, read_zones, zone_messages
from diffroll_live.files.midi_meter import conductor_track, meter_of_file, read_tempo, stored_tempi, tempo_of
from diffroll_live.files.midi_notes import TrackNote, notes_of
from diffroll_live.files.midi_pedal import Timed, pedal_messages, read_pedal
from diffroll_live.files.midi_repair import ParsedFile, parse_smf
from diffroll_live.files.paths import MIDI_SUFFIXES
from diffroll_live.meter.meter_map import NO_METER, MeterMap
from diffroll_live.meter.tempo_map import TempoMap
from diffroll_live.music.mpe import express
from diffroll_live.types import Bend, NoteEvent, PedalSpan

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 1_000_000  # a quarter of a million notes at most, three seconds to read
MAX_SECONDS = 24 * 3600.0
TICKS_PER_BEAT = 960
UNRELATED = 2  # the format of several pieces in one file
_SETS_UP, _ENDS, _RELEASES, _PRESSES, _BENDS, _BEGINS = range(6)  # the order at one tick


_Placed = tuple[int, int, mido.Message]  # a tick, and one of these places in it


@dataclass(frozen=True, slots=True, order=True)
class _TickNote:
    onset: int
    offset: int
    channel: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Score:
    """What a MIDI file says: notes and the sustain pedal in seconds from its beginning, and its musical time.

    The notes of an MPE zone are on its manager's channel, and have ``bends``. ``meter`` is None where the tempi or
    signatures of the file are outside what music has.
    """

    notes: tuple[NoteEvent, ...]
    meter: MeterMap | None
    pedal: tuple[PedalSpan, ...] = ()
    bends: tuple[Bend, ...] = ()


def write_smf(
    path: Path,
    notes: Iterable[NoteEvent],
    meter: MeterMap = NO_METER,
    pedal: Iterable[PedalSpan] = (),
    bends: Iterable[Bend] = (),
) -> None:
    """Write notes as ``smf_bytes`` does; the file appears complete or not at all.

    Raises FileError when a note does not fit a file, or the file cannot be written.
    """
    write_atomic(Path(path), smf_bytes(notes, meter, pedal, bends))


def smf_bytes(
    notes: Iterable[NoteEvent],
    meter: MeterMap = NO_METER,
    pedal: Iterable[PedalSpan] = (),
    bends: Iterable[Bend] = (),
) -> bytes:
    """Make a Standard MIDI File (format 1) of notes: a track of tempi and signatures, then the notes.

    A piece without bars and beats is written as 4/4 at 120, which a text says. Tick 0 is second 0. A change of tempo or
    signature moves to its nearest tick. Onsets and offsets move by half a tick at most (0.26 ms at 120 a minute), but
    no note is shorter than a tick. Notes that overlap on one pitch go to tracks of their own, so that a reader can tell
    them apart. The pedal is written into every track of its channel, so that each of them sounds as it should wherever
    it is put. Where a note bends, the file is MPE, see ``music.mpe``. Raises FileError when a note does not fit a file.
    """
    meter = NO_METER if meter.source == "none" else meter
    tempi = stored_tempi(meter.tempo, TICKS_PER_BEAT)
    tempo_map = tempo_of(tempi, TICKS_PER_BEAT)
    expression = express(notes, bends)
    ticks = sorted(_tick_note(note, tempo_map) for note in expression.notes)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)

    def tick(seconds: float) -> int:
        return tick_of(seconds, tempo_map, TICKS_PER_BEAT)

    file.tracks.append(conductor_track(tempi, meter, tick))
    presses = expression.pedal(pedal)
    events = [(0, _SETS_UP, message) for message in zone_messages(expression)]
    events += [(at, _BENDS, message) for at, message in bend_messages(expression, tick)]
    for voice in _voices(ticks):
        channels = {note.channel for note in voice} or {span.channel for span in presses}
        file.tracks.append(_note_track(voice, pedal_messages(presses, channels, tick), events))
        events = []  # of the first track, which has all notes that can bend
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def is_midi(path: Path) -> bool:
    """Whether a file is MIDI, by its first bytes or else by its name."""
    try:
        with path.open("rb") as stream:
            head = stream.read(12)
    except OSError:
        head = b""
    return head[:4] == b"MThd" or head[8:] == b"RMID" or path.suffix.lower() in MIDI_SUFFIXES


def read_smf(path: Path) -> tuple[NoteEvent, ...]:
    """Read the notes of a Standard MIDI File as ``read_score`` does."""
    return read_score(path).notes


def read_score(path: Path) -> Score:
    """Read a Standard MIDI File: the notes and the pedal of all tracks together, sorted, its tempi and signatures.

    Of overlapping notes on one pitch of a track, the one that began first ends first. Notes that are never ended end
    with their track.
    Raises what ``open_smf`` raises.
    """
    file = open_smf(path)
    tempo = read_tempo(file.file)
    zones = read_zones(file.file)
    own = [note for chunk in file.chunks if chunk.is_track for note in notes_of(chunk)]
    notes = placed([replace(note, channel=zones.manager(note.channel)) for note in own], tempo, file.division)
    bends = bends_of(zones, own, notes, lambda tick: tempo.position_at(tick / file.division))
    pedal = read_pedal(file.file, tempo, zones.manager)
    return Score(tuple(sorted(notes)), meter_of_file(file.file, tempo, notes), pedal, bends)


def open_smf(path: Path) -> ParsedFile:
    """Read the chunks of a Standard MIDI File of format 0 or 1. What cannot be read of it is left out, and logged.

    Raises FileMissing, and FileError for a file that is too large or is no MIDI file.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise FileMissing(f"There is no file {path}.") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise FileError(f"{path} is larger than {MAX_FILE_BYTES} bytes; choose a file with fewer events.")
    try:
        parsed = parse_smf(data)
    except FileError as error:
        raise FileError(f"{path}: {error.text}") from error
    if parsed.division <= 0:
        raise FileError(f"{path}: its times are SMPTE frames, not beats. Save it with ticks per quarter note.")
    if parsed.kind == UNRELATED:
        raise FileError(f"{path}: it holds several unrelated pieces (format 2). Save one of them as format 0 or 1.")
    for sentence in parsed.skipped:
        logger.warning("%s: %s", path, sentence)
    return parsed


def placed(notes: Sequence[TrackNote], tempo: TempoMap, division: int) -> list[NoteEvent]:
    """Give notes their times in seconds, in the same order; there are ``division`` ticks a beat."""
    ticks = np.array([(note.onset, note.offset) for note in notes], float).reshape(-1, 2)
    times = tempo.positions_at(ticks / division).tolist()
    return [
        NoteEvent(onset, offset, note.pitch, note.velocity, note.channel)
        for note, (onset, offset) in zip(notes, times, strict=True)
    ]


def tick_of(seconds: float, tempo: TempoMap, division: int) -> int:
    """The tick nearest to a time; there are ``division`` a beat."""
    return round(tempo.beat_at(seconds) * division)


def _tick_note(note: NoteEvent, tempo: TempoMap) -> _TickNote:
    in_range = 0 <= note.channel <= 15 and 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127
    if not (in_range and 0 <= note.onset <= note.offset <= MAX_SECONDS):
        raise FileError(f"{note} does not fit a MIDI file: it must lie in the first day, on the keyboard.")
    first = tick_of(note.onset, tempo, TICKS_PER_BEAT)
    return _TickNote(
        first, max(first + 1, tick_of(note.offset, tempo, TICKS_PER_BEAT)), note.channel, note.pitch, note.velocity
    )


def _voices(notes: Sequence[_TickNote]) -> list[list[_TickNote]]:
    """Split sorted notes into voices in which none overlap on a pitch of a channel; one voice where none do."""
    voices: list[list[_TickNote]] = [[]]
    ends: dict[tuple[int, int], list[int]] = defaultdict(list)  # where each voice's last note of that pitch ends
    for note in notes:
        busy = ends[note.channel, note.pitch]
        voice = next((at for at, end in enumerate(busy) if end <= note.onset), len(busy))
        busy[voice : voice + 1] = [note.offset]
        if voice == len(voices):
            voices.append([])
        voices[voice].append(note)
    return voices


def _note_track(notes: Sequence[_TickNote], pedal: Sequence[Timed], others: Sequence[_Placed]) -> mido.MidiTrack:
    events = list(others)
    events += [(note.offset, _ENDS, _message("note_off", note, 64)) for note in notes]
    events += [(tick, _PRESSES if message.value else _RELEASES, message) for tick, message in pedal]
    events += [(note.onset, _BEGINS, _message("note_on", note, note.velocity)) for note in notes]
    track = mido.MidiTrack()
    at = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - at))
        at = tick
    return track


def _message(kind: str, note: _TickNote, velocity: int) -> mido.Message:
    return mido.Message(kind, channel=note.channel, note=note.pitch, velocity=velocity)
