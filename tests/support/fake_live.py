"""A small Ableton Live for the Remote Script: tracks, clips, notes, warp markers, undo steps and ticks, all with state.

It runs under Python 3.7, as Live's own does, and refuses what the real one refuses. What it assumes of Live: a deleted
object equals None and cannot be used; markers are beats in a warped clip, seconds in another; `sample_time` of a warp
marker is seconds; notes of one pitch cut each other; begin and end of a loop stay in order; `create_midi_track` and
`create_clip` make empty things; a duplicate in the Arrangement replaces what lies below it; nothing may be touched
from another thread; an argument of the wrong type is a TypeError (Boost.Python's ArgumentError is one).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

from support.fake_live_clip import Clip, LiveObject
from support.fake_live_notes import MidiNoteSpecification, check

ARRANGEMENT_END = 1576800.0  # beats


class ClipSlot(LiveObject):
    def __init__(self, song, track):
        super().__init__(song)
        self._track, self._clip = track, None

    canonical_parent = property(lambda self: self._track)
    has_clip = property(lambda self: self._clip is not None)
    clip = property(lambda self: self._clip)

    def create_clip(self, length):
        check(length, (int, float), "length")
        track = self._track
        if not track._midi or track._frozen or self._clip is not None or length <= 0:
            raise RuntimeError("no clip can be made here")
        self._song.maybe_fail("create_clip")
        with self._song._change():
            self._clip = Clip(self._song, self, length=float(length))
        return self._clip

    def delete_clip(self):
        if self._clip is None:
            raise RuntimeError("the slot is empty")
        with self._song._change():
            self._clip._dead = True
            self._clip = None


class Track(LiveObject):
    def __init__(self, song, name, midi, scenes):
        super().__init__(song)
        self._name, self._midi, self._frozen = name, midi, False
        self._slots = [ClipSlot(song, self) for _ in range(scenes)]
        self._arranged = []

    clip_slots = property(lambda self: tuple(self._slots))
    arrangement_clips = property(lambda self: tuple(self._arranged))
    has_midi_input = property(lambda self: self._midi)
    is_frozen = property(lambda self: self._frozen)

    @property
    def name(self):
        return self._name

    @name.setter
    def name(self, value):
        check(value, str, "name")
        self._name = value

    def duplicate_clip_to_arrangement(self, clip, destination_time):
        check(clip, Clip, "clip")
        check(destination_time, (int, float), "time")
        if self._frozen or clip.is_midi_clip != self._midi or not 0 <= destination_time <= ARRANGEMENT_END:
            raise RuntimeError("the clip cannot lie here")
        self._song.maybe_fail("duplicate_clip_to_arrangement")
        with self._song._change():
            copy = Clip(self._song, self, clip._name, clip._loop_end, clip._audio, float(destination_time))
            begin = clip._loop_start if clip._looping else clip._start_marker
            copy._visible = (clip._loop_end if clip._looping else clip._end_marker) - begin
            for name in ("_notes", "_next_id", "_looping", "_start_marker", "_end_marker", "_loop_start", "_loop_end"):
                setattr(copy, name, getattr(clip, name))
            for other in list(self._arranged):
                if other.start_time < copy.end_time and other.end_time > copy.start_time:
                    other._dead = True
                    self._arranged.remove(other)
            self._arranged.append(copy)
        return copy


class View(LiveObject):
    detail_clip = highlighted_clip_slot = selected_track = selected_scene = None

    def __init__(self, song):
        super().__init__(song)

    def __setattr__(self, name, value):  # the user selects; that is no step to undo
        object.__setattr__(self, name, value)


class Song(LiveObject):
    """The document. ``undo_steps`` counts what the user can undo; ``fail`` names calls that shall raise."""

    def __init__(self, scenes=4):
        self.__dict__.update(_owner=threading.get_ident(), _steps=[], _open=None, fail=[], refused=[])
        super().__init__(self)
        self._tracks, self._scenes = [], [LiveObject(self) for _ in range(scenes)]
        self._tempo, self._time, self._playing = 120.0, 0.0, False
        self.__dict__["view"] = View(self)

    tracks = property(lambda self: tuple(self._tracks))
    scenes = property(lambda self: tuple(self._scenes))
    current_song_time = property(lambda self: self._time)
    is_playing = property(lambda self: self._playing)
    signature_numerator = property(lambda self: 3)
    signature_denominator = property(lambda self: 4)
    tempo = property(lambda self: self._tempo)

    def _check_thread(self):
        if threading.get_ident() != self._owner:
            raise RuntimeError("Live's objects belong to its main thread")

    def create_midi_track(self, index=-1):
        check(index, int, "index")
        if not -1 <= index <= len(self._tracks):
            raise RuntimeError("no such index")
        with self._change():
            track = Track(self, f"{len(self._tracks) + 1}-MIDI", True, len(self._scenes))
            self._tracks.insert(len(self._tracks) if index == -1 else index, track)
        return track

    def delete_track(self, index):
        check(index, int, "index")
        with self._change():
            track = self._tracks.pop(index)
            for thing in [track] + track._arranged + [slot._clip for slot in track._slots if slot._clip is not None]:
                thing._dead = True

    def begin_undo_step(self):
        if self._open is not None:
            raise AssertionError("an undo step is open already")
        self.__dict__["_open"] = [self._memory(), False]

    def end_undo_step(self):
        before, changed = self._open
        self.__dict__["_open"] = None
        if changed:
            self._steps.append(before)

    @contextmanager
    def _change(self):
        self._check_thread()
        before = self._memory() if self._open is None else None
        yield
        if before is not None:
            self._steps.append(before)
        else:
            self._open[1] = True

    def maybe_fail(self, call):
        if call in self.fail:
            self.fail.remove(call)
            raise RuntimeError(f"{call} failed, as the test wanted")

    def frozen_fault(self, clip):
        parent = clip._parent
        return (parent if isinstance(parent, Track) else parent._track)._frozen

    # -- what the user and the tests do

    @property
    def undo_steps(self):
        return len(self._steps)

    def undo(self):
        for thing, state in self._steps.pop():
            thing.__dict__.clear()
            thing.__dict__.update(_copied(state))

    def _memory(self):
        things = [self]
        for track in self._tracks:
            things += [track, *track._slots, *track._arranged]
            things += [slot._clip for slot in track._slots if slot._clip is not None]
        return [(thing, _copied(thing.__dict__)) for thing in things]

    def add_track(self, name, midi=False):
        track = Track(self, name, midi, len(self._scenes))
        self._tracks.append(track)
        return track

    def add_audio_clip(self, track, path, seconds, scene=0, at=None, beats=None, markers=(), **values):
        """Put an audio clip into a slot, or with ``at`` (beats) into the Arrangement; markers make it warped."""
        rate = 48000
        audio = {"file_path": str(path), "sample_length": round(seconds * rate), "sample_rate": float(rate)}
        audio.update(warping=bool(markers), warp_markers=markers, warp_mode=0, pitch_coarse=0)
        audio.update({key: values.pop(key) for key in list(values) if key in audio})
        clip = self._place(track, scene, at, "take", beats or seconds, audio)
        for key, value in values.items():
            setattr(clip, "_" + key, value)
        return clip

    def add_midi_clip(self, track, notes, scene=0, at=None, beats=4.0, selected=()):
        """Put a MIDI clip somewhere; notes are (pitch, start, duration, velocity)."""
        clip = self._place(track, scene, at, "notes", beats, None)
        for pitch, start, duration, velocity in notes:
            clip._notes[clip._next_id] = dict(MidiNoteSpecification(pitch, start, duration, velocity).__dict__)
            clip._next_id += 1
        clip._selected = {key for key, note in clip._notes.items() if (note["pitch"], note["start_time"]) in selected}
        return clip

    def _place(self, track, scene, at, name, beats, audio):
        if at is not None:
            clip = Clip(self, track, name, beats, audio, at)
            track._arranged.append(clip)
        else:
            clip = Clip(self, track._slots[scene], name, beats, audio)
            track._slots[scene]._clip = clip
        self.view.detail_clip = clip
        self.view.selected_track, self.view.selected_scene = track, self._scenes[scene]
        return clip


def _copied(state):
    return {
        k: v.copy() if isinstance(v, (list, dict, set)) and k not in ("_steps", "fail") else v for k, v in state.items()
    }
