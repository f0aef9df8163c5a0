"""What the fake Live is to a Remote Script beside its document: the c_instance, the base class, the modules."""

from __future__ import annotations

import sys
import types

from support import fake_live
from support.fake_live_clip import Clip
from support.fake_live_notes import MidiNoteSpecification, check


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
    live.Track = types.SimpleNamespace(Track=fake_live.Track)
    live.Song = types.SimpleNamespace(Song=fake_live.Song)
    live.Application = types.SimpleNamespace(get_application=Application)
    live.MidiMap = types.SimpleNamespace(forward_midi_cc=_forward("cc"), forward_midi_note=_forward("note"))
    surface = types.ModuleType("ableton.v2.control_surface")
    surface.ControlSurface = ControlSurface
    sys.modules["Live"] = live
    sys.modules["ableton"] = types.ModuleType("ableton")
    sys.modules["ableton.v2"] = types.ModuleType("ableton.v2")
    sys.modules["ableton.v2.control_surface"] = surface
