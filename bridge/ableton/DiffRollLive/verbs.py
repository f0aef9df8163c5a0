"""What each verb asks the daemon, and how its answer becomes notes in Live: one function a verb.

Each reads the selection into a Plan: the question, the target, and how to turn the answer's notes into beats.
"""

from __future__ import annotations

import os
import struct
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

from .clips import (
    Layout,
    Recording,
    chosen_clip,
    is_gone,
    layout_of,
    notes_of,
    partner_of,
    place_of,
    read_recording,
    timing_of,
    track_of,
)
from .failures import Failure
from .passes import ALWAYS, SLACK, Pass, arrangement_passes, session_pass
from .settings import Settings
from .stretches import (
    HIGH,
    LOW,
    Stretch,
    beat_notes,
    holds,
    known_in,
    note_in,
    region_of,
    signature_of,
    stretch_of,
    tempi_of,
)
from .talk import Note, Question, Region, Tempo
from .targets import PREFIX, BeatNote, NewClip, Rewritten


class Plan(NamedTuple):
    """What to ask, and what becomes of the answer: ``beats`` turns its notes into those that ``target`` writes.

    ``check`` raises Failure when that would not be right any more.
    """

    question: Question
    target: Any  # a NewClip or a Rewritten
    beats: Callable[[Iterable[Note]], List[BeatNote]]
    check: Callable[[], None] = lambda: None


def transcribe(song: Any, options: Dict[str, Any], _settings: Settings) -> Plan:
    """The notes of the selected audio clip, into a new clip beside it. Raises Failure."""
    clip = chosen_clip(song)
    if not clip.is_audio_clip:
        raise Failure("bad-option", "That is a MIDI clip; select the audio clip to transcribe.")
    recording = read_recording(clip, song.tempo)
    stretch, passes = _heard(clip, recording)
    question = _question("transcribe", song, clip, stretch, options)
    target, unchanged = _beside(song, clip, recording), _unchanged(song, clip, recording)
    return Plan(question, target, lambda notes: beat_notes(stretch, notes, passes), unchanged)


def fill(song: Any, options: Dict[str, Any], settings: Settings) -> Plan:
    """New notes for a region: the selected notes of a MIDI clip, or else the clip's loop brace. Raises Failure."""
    clip = chosen_clip(song)
    options = _seeded(options)
    hear = options.pop("hear", 0)
    if clip.is_audio_clip:
        return _fill_beside(song, clip, hear, options, settings)
    if track_of(clip).is_frozen:
        raise Failure("bad-option", "The track is frozen; unfreeze it to have its notes changed.")
    audio, offset = partner_of(song, clip)
    recording = read_recording(audio, song.tempo)
    selected = list(clip.get_selected_notes_extended())
    begin, end, low, high = _box(selected) if selected else _brace(clip)
    if recording.layout.looping and end + offset > recording.layout.loop_end + SLACK:
        raise Failure("bad-region", "The recording comes round in a loop there; consolidate its clip first.")
    seconds = recording.map.second(begin + offset), recording.map.second(end + offset)
    stretch = stretch_of(recording, seconds[0] - settings.context_seconds, seconds[1] + settings.context_seconds)
    region = region_of(stretch, *seconds, low, high, hear if recording.path else 0)
    chosen = {note.note_id for note in selected}

    def replaced(note: Any) -> bool:
        if chosen:
            return note.note_id in chosen
        return not note.mute and holds(region, note_in(stretch, note, offset))

    known = [note for note in known_in(stretch, notes_of(clip), offset) if not holds(region, note)]
    question = _question("inpaint", song, audio, stretch, options, (region,), known)
    beats = _within(region, stretch, Pass(-offset, -ALWAYS, ALWAYS))
    return Plan(question, Rewritten(song, clip, replaced), beats, _unchanged(song, audio, recording))


def continue_(song: Any, options: Dict[str, Any], settings: Settings) -> Plan:
    """What could come after the selected clip, into a new clip: behind it in the Arrangement. Raises Failure."""
    clip = chosen_clip(song)
    audio, offset = (clip, 0.0) if clip.is_audio_clip else partner_of(song, clip)
    recording = read_recording(audio, song.tempo)
    stretch, _ = _heard(audio, recording)
    known = () if clip.is_audio_clip else known_in(stretch, notes_of(clip), offset)
    options = dict({"seconds": settings.seconds}, **_seeded(options))
    end = stretch.start + stretch.duration
    end_beat = recording.map.beat(end)
    layout = Layout(0.0, 0.0, recording.map.beat(end + options["seconds"]) - end_beat, False)
    beat = clip.end_time if clip.is_arrangement_clip else None
    target = NewClip(song, track_of(clip), clip, f"{clip.name}, continued", layout, _scene_of(song, clip), beat)
    after = Pass(-end_beat, end_beat, ALWAYS)
    if recording.path:
        question = _question("continue", song, audio, stretch, options, (), known)
    else:  # by themselves, notes would be continued where the last of them ends, rather than where the clip does
        seconds = options.pop("seconds")
        region = Region(stretch.duration, stretch.duration + seconds, LOW, HIGH, 0)
        question = _question("inpaint", song, audio, stretch, options, (region,), known)
    unchanged = _unchanged(song, audio, recording)
    return Plan(question, target, lambda notes: beat_notes(stretch, notes, (after,)), unchanged)


def generate(song: Any, options: Dict[str, Any], settings: Settings) -> Plan:
    """Something new, into a new clip in the selected scene, beside the selected track. Raises Failure."""
    track = song.view.selected_track
    if is_gone(track) or all(track != other for other in song.tracks):
        raise Failure("bad-option", "Select an audio or MIDI track; the new notes go to a track beside it.")
    options = dict({"seconds": settings.seconds}, **_seeded(options))
    pace = song.tempo / 60.0  # beats a second
    layout = Layout(0.0, 0.0, options["seconds"] * pace, False)
    target = NewClip(song, track, track, f"{PREFIX} new", layout, song.view.selected_scene)
    tempi = (Tempo(0.0, float(song.tempo), *signature_of(song, song), 0.0),)
    question = Question("generate", "", 0.0, 0.0, 0.0, (), (), sorted(options.items()), tempi)
    return Plan(
        question, target, lambda notes: [BeatNote(n.pitch, n.time * pace, n.duration * pace, n.velocity) for n in notes]
    )


VERBS = {"transcribe": transcribe, "fill": fill, "continue": continue_, "generate": generate}
ONLY_OF = {"seconds": ("continue", "generate"), "hear": ("fill",)}  # options that other verbs have no use for


def _fill_beside(song: Any, clip: Any, hear: int, options: Dict[str, Any], settings: Settings) -> Plan:
    """Write new notes for what an audio clip plays, from the file around that, into a new clip."""
    recording = read_recording(clip, song.tempo)
    heard, passes = _heard(clip, recording)
    begin, end = heard.start, heard.start + heard.duration
    stretch = stretch_of(recording, begin - settings.context_seconds, end + settings.context_seconds)
    region = region_of(stretch, begin, end, LOW + recording.transpose, HIGH + recording.transpose, hear)
    question = _question("inpaint", song, clip, stretch, options, (region,))
    target, unchanged = _beside(song, clip, recording), _unchanged(song, clip, recording)
    return Plan(question, target, _within(region, stretch, *passes), unchanged)


def _unchanged(song: Any, clip: Any, recording: Recording) -> Callable[[], None]:
    """Make the check that a clip still plays as it was read: what was heard must lie where it is played."""

    def check() -> None:
        if is_gone(clip):
            return  # whether that matters, the target says
        timing = timing_of(clip, song.tempo)
        if (timing.map, timing.transpose) != (recording.map, recording.transpose):
            raise Failure(
                "cancelled",
                "The clip's warping or pitch, or the tempo under an unwarped clip, has been changed meanwhile, "
                "so nothing was written; press again.",
            )

    return check


def _within(region: Region, stretch: Stretch, *passes: Pass) -> Callable[[Iterable[Note]], List[BeatNote]]:
    """Take only what was written in the region: all other notes are in their clip already."""
    return lambda notes: beat_notes(stretch, [note for note in notes if holds(region, note)], passes)


def _heard(clip: Any, recording: Recording) -> Tuple[Stretch, List[Pass]]:
    """Give the stretch of the recording that a clip plays, and how it plays it."""
    layout = recording.layout
    if clip.is_arrangement_clip:
        passes = arrangement_passes(layout, clip.end_time - clip.start_time)
    else:
        passes = [session_pass(layout)]
    begin, end = min(one.begin for one in passes), max(one.end for one in passes)
    return stretch_of(recording, recording.map.second(begin), recording.map.second(end)), passes


def _beside(song: Any, clip: Any, recording: Recording) -> NewClip:
    """A new clip that plays along with an audio clip: with its loop in the Session, written out in the Arrangement."""
    name, layout = clip.name, recording.layout
    if clip.is_arrangement_clip:
        layout = Layout(0.0, 0.0, clip.end_time - clip.start_time, False)
        return NewClip(song, track_of(clip), clip, name, layout, beat=clip.start_time)
    shift = session_pass(layout).shift
    moved = Layout(layout.start + shift, layout.loop_start + shift, layout.loop_end + shift, layout.looping)
    return NewClip(song, track_of(clip), clip, name, moved, _scene_of(song, clip))


def _question(
    task: str,
    song: Any,
    audio: Any,
    stretch: Stretch,
    options: Dict[str, Any],
    regions: Iterable[Region] = (),
    known: Iterable[Note] = (),
) -> Question:
    """Gather a question; its origin is where the stretch begins in the Arrangement, in seconds at today's tempo.

    The beats of an unwarped audio clip are nobody's.
    """
    origin = 0.0
    if audio.is_arrangement_clip:
        begin = stretch.recording.map.beat(stretch.start) - stretch.recording.layout.start
        origin = (audio.start_time + begin) * 60.0 / song.tempo
    place = (stretch.recording.path, stretch.start, stretch.duration, origin)
    has_beats = not audio.is_audio_clip or audio.warping
    tempi = tempi_of(stretch, audio, signature_of(song, audio)) if has_beats else ()
    if not stretch.recording.path:
        options = dict(options, origin=origin)
    return Question(task, *place, tuple(regions), tuple(known), sorted(options.items()), tempi)


def _box(selected: List[Any]) -> Tuple[float, float, int, int]:
    """Give begin and end of notes in content beats, and their lowest and highest pitch."""
    pitches = [note.pitch for note in selected]
    begin = min(note.start_time for note in selected)
    return begin, max(note.start_time + note.duration for note in selected), min(pitches), max(pitches)


def _brace(clip: Any) -> Tuple[float, float, int, int]:
    """Give the loop brace of a clip, or what it plays, with all pitches."""
    layout = layout_of(clip)
    return layout.loop_start, layout.loop_end, 0, 127


def _scene_of(song: Any, clip: Any) -> Optional[Any]:
    """Give the scene of a Session clip, None for one in the Arrangement."""
    if clip.is_arrangement_clip:
        return None
    slot = clip.canonical_parent
    return song.scenes[place_of(slot.canonical_parent.clip_slots, slot)]


def _seeded(options: Dict[str, Any]) -> Dict[str, Any]:
    """Have new music each time, unless the user has chosen a seed."""
    return dict({"seed": struct.unpack(">I", os.urandom(4))[0] >> 1}, **options)
