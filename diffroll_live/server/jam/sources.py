"""Where the musician's notes of a jam come from: OSC, a live input, a MIDI port. One row of SOURCES each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from diffroll_live.errors import PortError
from diffroll_live.live_types import LaneNote
from diffroll_live.midi.ports import PortChoice
from diffroll_live.server.jam.keyboard import Keyboard
from diffroll_live.server.jam.session import JamSession
from diffroll_live.server.live.handlers import LiveHandlers

MIDI_CLIENT, MIDI_PORT = "diffroll-live-jam", "in"  # what a virtual input of ours is called
_PRESSED = 64  # the least value of a controller that counts as pressed


class Source:
    """Passes notes on to a session, and recognizes the cue."""

    def __init__(self, session: JamSession) -> None:
        self.on_close: Callable[[], None] = lambda: None
        self.check: Callable[[], None] = lambda: None  # raises a DiffrollError when the source is gone for good
        self._session = session
        self._pressed = False

    def note(self, pitch: int, velocity: int, at: float) -> None:
        """Take a key that goes down, or up where ``velocity`` is 0; ``at`` is on the MIDI output's clock."""
        if pitch == self._session.settings.cue.note:
            if velocity:
                self._session.cue()
        elif velocity:
            self._session.start(pitch, velocity, at)
        else:
            self._session.end(pitch, at)

    def control(self, number: int, value: int) -> None:
        """Take a controller; the one of the cue gives the turn when it is pressed, not while it is held."""
        if number != self._session.settings.cue.control:
            return
        pressed = value >= _PRESSED
        if pressed and not self._pressed:
            self._session.cue()
        self._pressed = pressed

    def close(self) -> None:
        """Stop."""
        self.on_close()


def _by_osc(session: JamSession, _name: str, _live: LiveHandlers) -> Source:
    return Source(session)


def _by_midi(session: JamSession, name: str, _live: LiveHandlers) -> Source:
    """Open the MIDI input ``name``, or a virtual one if that is empty."""
    if session.context.midi_api == "none":
        raise PortError("The daemon was started without MIDI; start it without --midi-api none.")
    source = Source(session)
    choice = PortChoice(session.context.midi_api, name or None, MIDI_CLIENT, MIDI_PORT)  # type: ignore[arg-type]
    source.on_close = Keyboard(choice, partial(_hear_midi, source), session.lose, session.fail).close
    return source


def _hear_midi(source: Source, message: Any, at: float) -> None:
    """Take a mido message from any channel."""
    if message.type == "note_on":
        source.note(message.note, message.velocity, at)
    elif message.type == "note_off":
        source.note(message.note, 0, at)
    elif message.type == "control_change":
        source.control(message.control, message.value)


class _LiveSource(Source):
    """The committed notes of the live input ``name`` of the same client, also when its session is opened again."""

    def __init__(self, session: JamSession, name: str, live: LiveHandlers) -> None:
        """Raises errors.UnknownBuffer."""
        super().__init__(session)
        self._find = partial(live.find, session.client, name)
        self._heard = self._find()
        self._heard.listeners.append(self._hear)
        self._sounding: set[int] = set()  # indices of notes that have no end yet
        self.check, self.on_close = self._follow, self._leave

    def _hear(self, note: LaneNote, origin: float) -> None:
        """Take a note; ``origin`` is when second 0 of the input was, on the MIDI output's clock."""
        ends = note.offset is not None or not note.velocity
        if note.index in self._sounding and ends:
            self._sounding.remove(note.index)
            self.note(note.pitch, 0, origin + (note.onset if note.offset is None else note.offset))
        elif note.index not in self._sounding and note.lane == "commit" and not ends:
            self._sounding.add(note.index)
            self.note(note.pitch, note.velocity, origin + note.onset)

    def _follow(self) -> None:
        """Switch to the new session of an input that was opened again. Raises errors.UnknownBuffer."""
        heard = self._find()
        if heard is not self._heard:
            self._leave()
            self._sounding.clear()  # the old session has ended its notes
            self._heard = heard
            heard.listeners.append(self._hear)

    def _leave(self) -> None:
        self._heard.listeners.remove(self._hear)


SOURCES: dict[str, Callable[[JamSession, str, LiveHandlers], Source]] = {
    "osc": _by_osc,
    "midi": _by_midi,
    "audio": _LiveSource,
}
