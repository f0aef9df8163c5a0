"""Where notes go: a new clip in the Session or the Arrangement, or the region of a clip that is there.

Each target is written in one undo step, whole or not at all: what fails half way is taken back.
"""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional

import Live

from .clips import Layout, fingerprint, is_gone, notes_of, place_of
from .failures import Failure

PREFIX = "DiffRoll"  # of the names of tracks that the script made, and may use again
SHORTEST = 0.001  # beats


class BeatNote(NamedTuple):
    """A note to be written, in beats of the clip that it goes to."""

    pitch: int
    start: float
    duration: float
    velocity: int


class Written(NamedTuple):
    """How many notes went where."""

    notes: int
    where: str


class NewClip:
    """A new MIDI clip on a track right of ``track``: in ``scene``, or at ``beat`` of the Arrangement.

    ``source`` is what it belongs to; nothing is written once that is deleted. Raises Failure where Live cannot do it.
    """

    def __init__(
        self,
        song: Any,
        track: Any,
        source: Any,
        name: str,
        layout: Layout,
        scene: Any = None,
        beat: Optional[float] = None,
    ) -> None:
        if beat is not None and not hasattr(track, "duplicate_clip_to_arrangement"):
            raise Failure("bad-option", "This Live lets no script write to the Arrangement; use a Session clip.")
        self._song = song
        self._track = track
        self._source = source
        self._name = name
        self._layout = layout
        self._scene = scene
        self._beat = beat

    def write(self, notes: List[BeatNote]) -> Written:
        """Make the clip. Raises Failure when what it belongs to has been deleted."""
        if is_gone(self._source):
            raise Failure("cancelled", "The clip has been deleted meanwhile; nothing was changed.")
        index = place_of(self._song.tracks, self._track)
        with undo_step(self._song):
            track = self._free_track(index + 1)
            if track is not None:
                self._fill(track, notes)
            else:
                track = self._new_track(index + 1)
                try:
                    self._fill(track, notes)
                except Exception:
                    self._song.delete_track(place_of(self._song.tracks, track))
                    raise
        return Written(len(notes), str(track.name))

    @property
    def _length(self) -> float:
        """The beats from the first to the last that is played."""
        return float(self._layout.loop_end - min(self._layout.start, self._layout.loop_start))

    def _slot(self, track: Any) -> Any:
        """The slot to write to: of our scene, or for the Arrangement a free one that is needed for a moment."""
        slots = list(track.clip_slots)
        if self._beat is None:
            slots = [slots[place_of(self._song.scenes, self._scene)]]
        return next((slot for slot in slots if not slot.has_clip), None)

    def _free_track(self, index: int) -> Any:
        """The track at an index, if it is one of ours and has room."""
        tracks = list(self._song.tracks)
        track = tracks[index] if index < len(tracks) else None
        if track is None or not (track.has_midi_input and track.name.startswith(PREFIX)) or track.is_frozen:
            return None
        if self._beat is not None:
            end = self._beat + self._length
            if any(clip.start_time < end and clip.end_time > self._beat for clip in track.arrangement_clips):
                return None
        return track if self._slot(track) is not None else None

    def _new_track(self, index: int) -> Any:
        self._song.create_midi_track(index)
        track = self._song.tracks[index]
        name = str(self._track.name)
        track.name = name if name.startswith(PREFIX) else f"{PREFIX} {name}"
        return track

    def _fill(self, track: Any, notes: List[BeatNote]) -> None:
        """Make the clip in a slot; the Arrangement gets a copy of it, and the slot is emptied again."""
        slot = self._slot(track)
        if slot is None:
            raise Failure("bad-option", "There is no free slot for a clip; add a scene, then press again.")
        slot.create_clip(max(self._length, 1.0))
        try:
            slot.clip.name = self._name
            self._shape(slot.clip)
            slot.clip.add_new_notes(tuple(specification(note) for note in notes))
            if self._beat is not None:
                track.duplicate_clip_to_arrangement(slot.clip, float(self._beat))
        except Exception:
            slot.delete_clip()
            raise
        if self._beat is not None:
            slot.delete_clip()

    def _shape(self, clip: Any) -> None:
        """Start and loop as the source does. Ends go first, since a begin must lie before its end."""
        layout = self._layout
        clip.looping = layout.looping
        if layout.looping:
            clip.loop_end = layout.loop_end
            clip.loop_start = layout.loop_start
        clip.end_marker = layout.loop_end
        clip.start_marker = layout.start


class Rewritten:
    """A clip that is there: the notes that ``replaced`` tells are replaced, unless somebody has edited it."""

    def __init__(self, song: Any, clip: Any, replaced: Callable[[Any], bool]) -> None:
        self._song = song
        self._clip = clip
        self._replaced = replaced
        self._before = fingerprint(clip)

    def write(self, notes: List[BeatNote]) -> Written:
        """Replace the notes. Raises Failure, with the clip as it is, when it was deleted or edited."""
        clip = self._clip
        if is_gone(clip):
            raise Failure("cancelled", "The clip has been deleted meanwhile; nothing was changed.")
        if fingerprint(clip) != self._before:
            raise Failure("cancelled", "You have edited the clip meanwhile, so nothing was changed; press again.")
        notes_there = notes_of(clip)
        old = [note for note in notes_there if self._replaced(note)]
        notes = make_room(notes, [note for note in notes_there if not self._replaced(note)])
        with undo_step(self._song):
            if old:
                clip.remove_notes_by_id(tuple(note.note_id for note in old))
            try:
                clip.add_new_notes(tuple(specification(note) for note in notes))
            except Exception:
                clip.add_new_notes(tuple(copy_of(note) for note in old))
                raise
        return Written(len(notes), str(clip.name))


def make_room(new: List[BeatNote], staying: List[Any]) -> List[BeatNote]:
    """Leave out new notes that would sound into one that stays, and end those into which one would sound.

    Live would otherwise cut the notes of the same pitch that are there.
    """
    by_pitch: Dict[int, List[Any]] = {}
    for there in staying:
        by_pitch.setdefault(there.pitch, []).append(there)
    fitted = []
    for note in new:
        end = note.start + note.duration
        near = [
            n for n in by_pitch.get(note.pitch, ()) if n.start_time < end and n.start_time + n.duration > note.start
        ]
        if all(n.start_time > note.start for n in near):
            end = min([end] + [n.start_time for n in near])
            fitted.append(note._replace(duration=end - note.start))
    return fitted


@contextlib.contextmanager
def undo_step(song: Any) -> Iterator[None]:
    """Gather what is done within into one step of Live's undo history."""
    song.begin_undo_step()
    try:
        yield
    finally:
        song.end_undo_step()


def specification(note: BeatNote) -> Any:
    """Make what Live adds a note from."""
    return Live.Clip.MidiNoteSpecification(
        pitch=note.pitch,
        start_time=float(note.start),
        duration=max(float(note.duration), SHORTEST),
        velocity=float(note.velocity),
    )


def copy_of(note: Any) -> Any:
    """Make a note anew that was there before, with all that Live tells of it."""
    return Live.Clip.MidiNoteSpecification(
        pitch=note.pitch,
        start_time=note.start_time,
        duration=note.duration,
        velocity=note.velocity,
        mute=note.mute,
        probability=note.probability,
        velocity_deviation=note.velocity_deviation,
        release_velocity=note.release_velocity,
    )
