"""The stretch of a recording that the daemon hears, and what lies in it, in seconds from its begin.

Every time is rounded to the float32 that travels, so that the daemon and the script agree on what is inside a region.
"""

from __future__ import annotations

from typing import Any, Iterable, List, NamedTuple, Sequence, Tuple

from .clips import Recording
from .failures import Failure
from .osc import as_float32
from .passes import Pass, played
from .talk import Note, Region, Tempo
from .targets import BeatNote

LOW, HIGH = 21, 108  # the piano
SHORTEST = 0.02  # s; the daemon takes no shorter region
SLOWEST, FASTEST = 4.0, 1000.0  # beats a minute that the daemon takes
MOST_TEMPI = 4096


class Stretch(NamedTuple):
    """Part of a recording, in seconds of its file."""

    recording: Recording
    start: float
    duration: float


def stretch_of(recording: Recording, begin: float, end: float) -> Stretch:
    """Cut seconds [begin, end) to what the file holds. Raises Failure when that is nothing."""
    start = as_float32(max(begin, 0.0))
    duration = as_float32(min(end, recording.seconds) - start)
    if duration < SHORTEST:
        raise Failure("bad-region", "There is nothing of the recording in this part of the clip.")
    return Stretch(recording, start, duration)


def tempi_of(stretch: Stretch, clip: Any, signature: Tuple[int, int]) -> List[Tempo]:
    """Say the clip's beats in the stretch's seconds: Arrangement bars where it lies there, else its own.

    Gives none for a warping that no music has.
    """
    layout = stretch.recording.layout
    shift = clip.start_time - layout.start if clip.is_arrangement_clip else 0.0
    found = stretch.recording.map.tempi(stretch.start, stretch.start + stretch.duration)
    if len(found) > MOST_TEMPI or not all(SLOWEST <= bpm <= FASTEST for _, bpm, _ in found):
        return []
    return [
        Tempo(as_float32(second - stretch.start), as_float32(bpm), *signature, as_float32(beat + shift))
        for second, bpm, beat in found
    ]


def signature_of(song: Any, clip: Any) -> Tuple[int, int]:
    """Give a clip's own signature, or else the song's."""
    of = clip if hasattr(clip, "signature_numerator") else song
    return int(of.signature_numerator), int(of.signature_denominator)


def region_of(stretch: Stretch, begin: float, end: float, low: int, high: int, hear: int) -> Region:
    """Say seconds [begin, end) of the file and pitches low to high as a region. Raises Failure when it is empty."""
    t0 = as_float32(max(begin - stretch.start, 0.0))
    t1 = as_float32(min(end - stretch.start, stretch.duration))
    low, high = max(low - stretch.recording.transpose, LOW), min(high - stretch.recording.transpose, HIGH)
    if t1 - t0 < SHORTEST or low > high:
        raise Failure("bad-region", "The region is empty, or outside the recording or the piano; choose another one.")
    return Region(t0, t1, low, high, hear)


def holds(region: Region, note: Note) -> bool:
    """Tell whether a note starts in a region."""
    return bool(region.begin <= note.time < region.end and region.low <= note.pitch <= region.high)


def note_in(stretch: Stretch, note: Any, offset: float) -> Note:
    """Say a note of a MIDI clip in the stretch's seconds; ``offset`` leads from the clip's beats to the recording's."""
    second = stretch.recording.map.second
    begin, end = second(note.start_time + offset), second(note.start_time + note.duration + offset)
    pitch = note.pitch - stretch.recording.transpose
    velocity = min(max(int(round(note.velocity)), 1), 127)
    return Note(pitch, as_float32(begin - stretch.start), as_float32(end - begin), velocity)


def known_in(stretch: Stretch, notes: Iterable[Any], offset: float) -> List[Note]:
    """Give the notes of a MIDI clip that start within the stretch and on the piano; muted ones do not sound."""
    known = [note_in(stretch, note, offset) for note in notes if not note.mute]
    return [n for n in known if 0 <= n.time < stretch.duration and LOW <= n.pitch <= HIGH and n.duration > 0]


def beat_notes(stretch: Stretch, notes: Iterable[Note], passes: Sequence[Pass]) -> List[BeatNote]:
    """Turn the daemon's notes into notes of a clip that plays ``passes`` of the recording."""
    beat, transpose = stretch.recording.map.beat, stretch.recording.transpose
    placed: List[BeatNote] = []
    for note in notes:
        begin = stretch.start + note.time
        for start, length in played(beat(begin), beat(begin + note.duration), passes):
            if 0 <= note.pitch + transpose <= 127:
                placed.append(BeatNote(note.pitch + transpose, start, length, note.velocity))
    return placed
