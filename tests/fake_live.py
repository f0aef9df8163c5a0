"""A small Ableton Live for the Remote Script: tracks, clips, notes, warp markers, undo steps and ticks, all with state.

It runs under Python 3.7, as Live's own does, and refuses what the real one refuses. What it assumes of Live: a deleted
object equals None and cannot be used; markers are beats in a warped clip, seconds in another; `sample_time` of a warp
marker is seconds; notes of one pitch cut each other; begin and end of a loop stay in order; `create_midi_track` and
`create_clip` make empty things; a duplicate in the Arrangement replaces what lies below it; nothing may be touched
from another thread; an argument of the wrong type is a TypeError (Boost.Python's ArgumentError is one).
"""

from __future__ import annotations

import math
import sys
import threading
import types
from contextlib import contextmanager

ARRANGEMENT_END = 1576800.0  # beats


class MidiNoteSpecification:
    def __init__(
        self,
        pitch,
        start_time,
        duration,
        velocity=100.0,
        mute=False,
        probability=1.0,
        velocity_deviation=0.0,
        release_velocity=64.0,
    ):
        check(pitch, int, "pitch")
        for value in (start_time, duration, velocity, probability, velocity_deviation, release_velocity):
            check(value, (int, float), "number")
            if not math.isfinite(value):
                raise RuntimeError("not finite")
        check(mute, bool, "mute")
        if not 0 <= pitch <= 127 or duration <= 0 or not 0 <= velocity <= 127:
            raise RuntimeError("invalid note")
        self.__dict__.update(
            pitch=pitch,
            start_time=float(start_time),
            duration=float(duration),
            velocity=float(velocity),
            mute=mute,
            probability=probability,
            velocity_deviation=velocity_deviation,
            release_velocity=release_velocity,
        )


class MidiNote:
    """What Live hands out: a copy, to be changed without effect."""

    def __init__(self, note_id, values):
        self.note_id = note_id
        self.__dict__.update(values)


class WarpMarker:
    def __init__(self, sample_time, beat_time):
        self.sample_time, self.beat_time = sample_time, beat_time


class LiveObject:
    """Compares equal to None once it is deleted, and is of no other use then."""

    def __init__(self, song):
        self.__dict__["_song"] = song
        self.__dict__["_dead"] = False

    def __eq__(self, other):
        return self.__dict__["_dead"] if other is None else self is other

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return id(self)

    def __getattribute__(self, name):
        if not name.startswith("_"):
            here = object.__getattribute__(self, "_song")
            here._check_thread()
            if object.__getattribute__(self, "_dead"):
                raise RuntimeError("the object has been deleted")
        return object.__getattribute__(self, name)

    def __setattr__(self, name, value):
        if name.startswith("_"):
            object.__setattr__(self, name, value)
            return
        if self._dead:
            raise RuntimeError("the object has been deleted")
        if not isinstance(getattr(type(self), name, None), property):
            raise AttributeError(f"can't set attribute {name}")
        with self._song._change():
            object.__setattr__(self, name, value)


def check(value, kinds, what):
    wanted_bool = kinds is bool
    if not isinstance(value, kinds) or (isinstance(value, bool) and not wanted_bool):
        raise TypeError(f"{what} must be {kinds}, not {value!r}")


class Clip(LiveObject):
    def __init__(self, song, parent, name="", length=4.0, audio=None, start_time=None):
        super().__init__(song)
        self._parent, self._name, self._audio = parent, name, audio
        self._notes, self._next_id, self._selected = {}, 1, set()
        self._start_time, self._visible = start_time, length
        self._looping = audio is None and start_time is None  # as Live makes MIDI clips in the Session
        self._start_marker = self._loop_start = 0.0
        self._end_marker = self._loop_end = length

    def _get(self, name):
        if self._audio is None:
            raise RuntimeError(f"a MIDI clip has no {name}")
        return self._audio[name]

    canonical_parent = property(lambda self: self._parent)
    is_audio_clip = property(lambda self: self._audio is not None)
    is_midi_clip = property(lambda self: self._audio is None)
    is_arrangement_clip = property(lambda self: self._start_time is not None)
    file_path = property(lambda self: self._get("file_path"))
    sample_length = property(lambda self: self._get("sample_length"))

    @property
    def sample_rate(self):
        if self._get("sample_rate") is None:
            raise AttributeError("an old Live, as the test wanted")
        return self._audio["sample_rate"]

    warping = property(lambda self: self._get("warping"))
    warp_mode = property(lambda self: self._get("warp_mode"))
    pitch_coarse = property(lambda self: self._get("pitch_coarse"))
    start_time = property(lambda self: 0.0 if self._start_time is None else self._start_time)
    end_time = property(lambda self: self.start_time + self._visible)
    length = property(lambda self: self._loop_end - self._loop_start)

    @property
    def warp_markers(self):
        if not self._get("warping"):
            raise RuntimeError("the clip is not warped")
        return tuple(WarpMarker(second, beat) for second, beat in self._audio["warp_markers"])

    def _marker(name, low=None, high=None):  # noqa: N805 - makes properties, in the class's body only
        def write(self, value):
            check(value, (int, float), name)
            if low and value <= getattr(self, low):
                raise RuntimeError(f"{name} must lie behind {low}")
            if high and value >= getattr(self, high):
                raise RuntimeError(f"{name} must lie before {high}")
            setattr(self, "_" + name, float(value))

        return property(lambda self: getattr(self, "_" + name), write)

    start_marker = _marker("start_marker", high="end_marker")
    end_marker = _marker("end_marker", low="start_marker")
    loop_start = _marker("loop_start", high="loop_end")
    loop_end = _marker("loop_end", low="loop_start")

    @property
    def looping(self):
        return self._looping

    @looping.setter
    def looping(self, value):
        check(value, bool, "looping")
        if value and self._audio is not None and not self._audio["warping"]:
            raise RuntimeError("an unwarped clip cannot loop")
        self._looping = value

    @property
    def name(self):
        return self._name

    @name.setter
    def name(self, value):
        check(value, str, "name")
        self._name = value

    def _midi(self):
        if self._audio is not None:
            raise RuntimeError("an audio clip has no notes")

    def get_notes_extended(self, from_pitch, pitch_span, from_time, time_span):
        self._midi()
        for value in (from_pitch, pitch_span):
            check(value, int, "pitch")
        for value in (from_time, time_span):
            check(value, (int, float), "time")
        return [
            MidiNote(key, note)
            for key, note in self._notes.items()
            if from_pitch <= note["pitch"] < from_pitch + pitch_span
            and from_time <= note["start_time"] < from_time + time_span
        ]

    def get_selected_notes_extended(self):
        self._midi()
        return [MidiNote(key, self._notes[key]) for key in sorted(self._selected & set(self._notes))]

    def add_new_notes(self, specifications):
        self._midi()
        specifications = tuple(specifications)
        for one in specifications:
            check(one, MidiNoteSpecification, "note")
        if self._song.frozen_fault(self):
            raise RuntimeError("the track is frozen")
        self._song.maybe_fail("add_new_notes")
        ids = []
        with self._song._change():
            pitches = {}
            for key, note in self._notes.items():
                pitches.setdefault(note["pitch"], {})[key] = note
            for one in specifications:
                _cut(pitches.setdefault(one.pitch, {}), one)
                ids.append(self._next_id)
                pitches[one.pitch][self._next_id] = dict(one.__dict__)
                self._next_id += 1
            self._notes = {key: note for notes in pitches.values() for key, note in notes.items()}
        return ids

    def remove_notes_by_id(self, ids):
        self._midi()
        ids = tuple(ids)
        for one in ids:
            check(one, int, "note id")
            if one not in self._notes:
                raise RuntimeError(f"there is no note {one}")
        with self._song._change():
            self._notes = {key: note for key, note in self._notes.items() if key not in ids}


def _cut(notes, new):
    """A new note ends what sounds on its pitch, and replaces what starts within it, as Live has it."""
    for key, old in list(notes.items()):
        if old["start_time"] < new.start_time < old["start_time"] + old["duration"]:
            notes[key] = dict(old, duration=new.start_time - old["start_time"])
        elif new.start_time <= old["start_time"] < new.start_time + new.duration:
            del notes[key]


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


class Host:
    """The c_instance: Live's side of one control surface."""

    def __init__(self, song):
        self._song = song
        self.messages, self.log, self.forwarded = [], [], []

    def song(self):
        return self._song

    def show_message(self, text):
        check(text, str, "message")
        self.messages.append(text)

    def log_message(self, text):
        check(text, str, "message")
        self.log.append(text)

    def handle(self):
        return self


class ControlSurface:
    """The base class's face, as far as scripts see it."""

    def __init__(self, c_instance):
        self._c_instance = c_instance
        self.disconnected = False

    def update_display(self):
        pass

    def build_midi_map(self, midi_map_handle):
        pass

    def disconnect(self):
        self.disconnected = True


def _forward(kind):
    def forward(script_handle, midi_map_handle, channel, number):
        check(channel, int, "channel")
        check(number, int, "number")
        script_handle.forwarded.append((kind, channel, number))
        return True

    return forward


class Application:
    get_major_version = staticmethod(lambda: 12)
    get_minor_version = staticmethod(lambda: 1)
    get_bugfix_version = staticmethod(lambda: 11)


def install():
    """Make ``import Live`` and ``from ableton.v2.control_surface import ControlSurface`` work."""
    live = types.ModuleType("Live")
    live.Clip = types.SimpleNamespace(Clip=Clip, MidiNoteSpecification=MidiNoteSpecification)
    live.Track = types.SimpleNamespace(Track=Track)
    live.Song = types.SimpleNamespace(Song=Song)
    live.Application = types.SimpleNamespace(get_application=Application)
    live.MidiMap = types.SimpleNamespace(forward_midi_cc=_forward("cc"), forward_midi_note=_forward("note"))
    surface = types.ModuleType("ableton.v2.control_surface")
    surface.ControlSurface = ControlSurface
    sys.modules["Live"] = live
    sys.modules["ableton"] = types.ModuleType("ableton")
    sys.modules["ableton.v2"] = types.ModuleType("ableton.v2")
    sys.modules["ableton.v2.control_surface"] = surface
