"""What Live says of its clips: the chosen one, the recording behind a clip if there is one, the notes of a MIDI clip.

Reads Live's objects and changes nothing. "Content beats" are a clip's own beats, those of its markers and notes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Tuple

from .failures import Failure
from .time_map import TimeMap, constant

REPITCH = 3  # the warp mode whose pitch follows the tempo
EARLIEST, LONGEST = -8192.0, 16384.0  # content beats in which a clip's notes are looked for


class Layout(NamedTuple):
    """Where a clip starts to play, and its loop, or what it plays once: in content beats."""

    start: float
    loop_start: float
    loop_end: float
    looping: bool


class Timing(NamedTuple):
    """How a clip plays its file, or its notes."""

    map: TimeMap  # from the file's seconds to content beats
    unit: float  # beats that Live's number 1 is in this clip's markers
    transpose: int  # semitones


class Recording(NamedTuple):
    """A sound file as an audio clip plays it; for a MIDI clip by itself, seconds in which nothing was recorded."""

    path: str  # "" where there is no sound
    seconds: float  # of the whole file
    map: TimeMap  # from its seconds to content beats
    layout: Layout
    transpose: int  # semitones


def is_gone(thing: Any) -> bool:
    """Tell whether Live has deleted an object: what is left of it equals None without being it."""
    return bool(thing == None)  # noqa: E711


def chosen_clip(song: Any) -> Any:
    """Give the clip that Live shows in its detail view, or else the one in the highlighted slot. Raises Failure."""
    clip = song.view.detail_clip
    if is_gone(clip):
        slot = song.view.highlighted_clip_slot
        clip = None if is_gone(slot) else slot.clip
    if is_gone(clip):
        raise Failure("bad-option", "No clip is selected; click a clip, then press again.")
    return clip


def track_of(clip: Any) -> Any:
    """Give the track that a clip lies on."""
    parent = clip.canonical_parent
    return parent if clip.is_arrangement_clip else parent.canonical_parent


def place_of(items: Any, item: Any) -> int:
    """Give an object's index in one of Live's lists. Raises Failure when it is in there no more."""
    for index, other in enumerate(items):
        if other == item:
            return index
    raise Failure("cancelled", "The clip or its track has been deleted meanwhile; nothing was changed.")


def layout_of(clip: Any, unit: float = 1.0) -> Layout:
    """Read where a clip starts and loops; ``unit`` is how many beats Live's number 1 is in this clip."""
    start, looping = clip.start_marker * unit, bool(clip.looping)
    if looping:
        return Layout(start, clip.loop_start * unit, clip.loop_end * unit, True)
    return Layout(start, start, clip.end_marker * unit, False)


def read_recording(clip: Any, tempo: float) -> Recording:
    """Read what a clip plays. ``tempo`` is the song's, in beats a minute.

    Raises Failure for what cannot be followed exactly: no file, a file that is gone, and what timing_of says.
    """
    if not clip.is_audio_clip:
        return Recording("", math.inf, timing_of(clip, tempo).map, layout_of(clip), 0)
    path = clip.file_path
    if not path or not Path(path).is_file():
        name = path or clip.name
        raise Failure("file-not-found", f"The sample {name} is not there; find it with Live's File Manager.")
    timing = timing_of(clip, tempo)
    rate = float(getattr(clip, "sample_rate", 0.0))
    seconds = clip.sample_length / rate if rate > 0 else math.inf  # where Live does not tell, the daemon cuts
    return Recording(path, seconds, timing.map, layout_of(clip, timing.unit), timing.transpose)


def timing_of(clip: Any, tempo: float) -> Timing:
    """Read how a clip plays its file, or its notes. Raises Failure for what cannot be followed exactly."""
    if not clip.is_audio_clip:
        return Timing(constant(tempo, EARLIEST), 1.0, 0)
    if not clip.warping:
        if clip.pitch_coarse:
            raise Failure("bad-audio", "A transposed clip plays faster while Warp is off; set Pitch to 0, or warp it.")
        return Timing(constant(tempo), tempo / 60.0, 0)  # markers are in seconds here
    if not hasattr(clip, "warp_markers"):
        raise Failure("bad-option", "This Live tells no script its warp markers; update it, or turn Warp off.")
    time_map = TimeMap((marker.sample_time, marker.beat_time) for marker in clip.warp_markers)
    return Timing(time_map, 1.0, 0 if clip.warp_mode == REPITCH else int(clip.pitch_coarse))


def partner_of(song: Any, midi_clip: Any) -> Tuple[Any, float]:
    """Find the audio clip that a MIDI clip goes with: in the same scene, or at the same time in the Arrangement.

    The nearest track wins, the left one of two. Gives the clip and what to add to the MIDI clip's content beats to
    have the audio clip's. Where there is none, a MIDI clip goes with itself: notes need no audio.
    """
    tracks = list(song.tracks)
    own = place_of(tracks, track_of(midi_clip))
    for track in sorted(tracks, key=lambda track: abs(place_of(tracks, track) - own)):
        found = _beside(track, midi_clip)
        if found is not None:
            return found, _offset(found, midi_clip, song.tempo)
    return midi_clip, 0.0


def _beside(track: Any, midi_clip: Any) -> Optional[Any]:
    if midi_clip.is_arrangement_clip:
        begin, end = midi_clip.start_time, midi_clip.end_time
        inside = [clip for clip in track.arrangement_clips if clip.start_time < end and clip.end_time > begin]
    else:
        slot = midi_clip.canonical_parent
        slots = list(track.clip_slots)
        scene = place_of(slot.canonical_parent.clip_slots, slot)
        inside = [slots[scene].clip] if scene < len(slots) and slots[scene].has_clip else []
    return next((clip for clip in inside if clip.is_audio_clip), None)


def _offset(audio: Any, midi: Any, tempo: float) -> float:
    """Both clips start together in the Session; in the Arrangement each starts at its own time."""
    unit = 1.0 if audio.warping else tempo / 60.0
    shift = audio.start_marker * unit - midi.start_marker
    return float(shift + midi.start_time - audio.start_time) if midi.is_arrangement_clip else float(shift)


def notes_of(clip: Any) -> List[Any]:
    """Give all notes of a MIDI clip, in and out of its loop, in order."""
    return sorted(clip.get_notes_extended(0, 128, EARLIEST, LONGEST), key=lambda note: (note.start_time, note.pitch))


def fingerprint(clip: Any) -> Tuple[Any, ...]:
    """Give what changes when the user edits a MIDI clip's notes."""
    return tuple((n.note_id, n.pitch, n.start_time, n.duration, n.velocity, n.mute) for n in notes_of(clip))
