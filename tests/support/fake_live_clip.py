"""Objects of the fake Live, and its clips."""

from __future__ import annotations

from support.fake_live_notes import MidiNote, MidiNoteSpecification, WarpMarker, check, cut


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
                cut(pitches.setdefault(one.pitch, {}), one)
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
