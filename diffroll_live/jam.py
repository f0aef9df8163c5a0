"""A conversation in notes: what was played, when it is the model's turn, what it goes on from. No clock, no thread.

Every method is told the time ``now``, in seconds of a clock that only goes on; notes lie on the same axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from diffroll_live.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.tasks import SHORTEST
from diffroll_live.types import NoteEvent, Options, Region, Request

State = Literal["listening", "answering"]


@dataclass(frozen=True, slots=True)
class JamSettings:
    """How a conversation goes. Bars are of ``beats`` beats at ``tempo``; 0 bars of rest: only a cue gives the turn."""

    tempo: float = 120.0  # beats a minute
    beats: float = 4.0  # a bar
    rest_bars: float = 2.0  # of silence after which it is the model's turn
    memory: float = 12.0  # s of the past that the model goes on from
    ahead: float = 4.0  # s that are written at a time, and that writing stays ahead of what sounds
    lead: float = 0.3  # s from the cue to the answer: time to write its first notes
    options: Options = field(default_factory=Options)

    @property
    def rest(self) -> float:
        """Seconds of silence that give the turn; infinite where none do."""
        return self.rest_bars * self.beats * 60.0 / self.tempo or math.inf


class Phrase:
    """What was played of late: finished notes, and those that are held."""

    def __init__(self) -> None:
        self._done: list[NoteEvent] = []
        self._held: dict[int, NoteEvent] = {}  # by pitch; each begins with no length
        self.last = -math.inf  # when something last began or ended

    def start(self, pitch: int, velocity: int, now: float) -> None:
        """Begin a note; one that is held at this pitch ends."""
        self.end(pitch, now)
        self._held[pitch] = NoteEvent(now, now, pitch, velocity)
        self.last = now

    def end(self, pitch: int, now: float) -> None:
        """End a note, if it is held."""
        if (note := self._held.pop(pitch, None)) is not None:
            self._done.append(replace(note, offset=max(now, note.onset + SHORTEST)))
            self.last = now

    def add(self, notes: Iterable[NoteEvent]) -> None:
        """Remember whole notes: those that the model has written."""
        self._done.extend(notes)

    def notes(self, since: float, now: float) -> tuple[NoteEvent, ...]:
        """The notes that sounded after ``since``, cut there; held ones end ``now``. Forgets what is older."""
        self._done = [note for note in self._done if note.offset > since]
        held = (replace(note, offset=max(now, note.onset + SHORTEST)) for note in self._held.values())
        cut = (replace(note, onset=max(note.onset, since)) for note in (*self._done, *held) if note.onset < now)
        return tuple(sorted(note for note in cut if note.duration >= SHORTEST))

    @property
    def is_held(self) -> bool:
        """Whether a note sounds."""
        return bool(self._held)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is remembered."""
        return not self._done and not self._held


@dataclass(frozen=True, slots=True)
class Turn:
    """What to write next: ``request`` has its own axis, on which second 0 is ``origin`` on the jam's."""

    request: Request
    origin: float  # s
    until: float  # s; where the written part ends


class Jam:
    """Whose turn it is, and what the model is to write when it is its own."""

    def __init__(self, settings: JamSettings) -> None:
        self.settings = settings
        self.state: State = "listening"
        self._phrase = Phrase()
        self._fresh = False  # something was played since the last answer
        self._cued = math.inf  # when the answer was asked for
        self._until = 0.0  # to where the answer is written
        self._turns = 0
        self._writing = False

    def started(self, pitch: int, velocity: int, now: float) -> bool:
        """The musician strikes a key; whether an answer is to end because of it.

        A strike that is heard late, of before the cue, ends no answer.
        """
        interrupted = self.state == "answering" and now > self._cued
        if interrupted:
            self.listen(now)
        if LOW_PITCH <= pitch <= HIGH_PITCH:
            self._phrase.start(pitch, velocity, now)
            self._fresh = True
        return interrupted

    def ended(self, pitch: int, now: float) -> None:
        """The musician lets a key go."""
        self._phrase.end(pitch, now)

    def listen(self, now: float) -> None:
        """Give the turn back to the musician; of the answer only what has sounded is remembered."""
        self.state, self._writing = "listening", False
        kept = self._phrase.notes(now - self.settings.memory, now)
        self._phrase = Phrase()
        self._phrase.add(kept)
        self._phrase.last = now

    def cue(self, now: float, begin: float | None = None) -> Turn | None:
        """Make it the model's turn, from ``begin`` on (a beat to come; after the lead if None): what to write first.

        None while nothing has been played, or when it is the model's turn already.
        """
        if self.state == "answering" or self._phrase.is_empty:
            return None
        self.state, self._fresh, self._cued = "answering", False, now
        for pitch in range(LOW_PITCH, HIGH_PITCH + 1):
            self._phrase.end(pitch, now)
        self._until = max(begin if begin is not None else 0.0, now + self.settings.lead)
        return self._next(now)

    def is_rest_over(self, now: float) -> bool:
        """Whether the musician has been silent for long enough to give the turn."""
        silent = now - self._phrase.last
        return self.state == "listening" and self._fresh and not self._phrase.is_held and silent >= self.settings.rest

    def go_on(self, now: float) -> Turn | None:
        """What to write next, when what is written will have sounded in less than the time to stay ahead by."""
        if self.state != "answering" or self._writing or self.ahead(now) >= self.settings.ahead:
            return None
        return self._next(now)

    def wrote(self, turn: Turn, notes: Iterable[NoteEvent]) -> tuple[NoteEvent, ...]:
        """Take notes of a turn, on its request's axis; give them on the jam's. None once the turn has passed."""
        if self.state != "answering":
            return ()
        placed = tuple(
            replace(note, onset=note.onset + turn.origin, offset=note.offset + turn.origin) for note in notes
        )
        self._phrase.add(placed)
        return placed

    def finished(self) -> None:
        """All of the last turn is written."""
        self._writing = False

    def ahead(self, now: float) -> float:
        """Seconds by which writing is ahead of what sounds; negative when it has fallen behind."""
        return self._until - now

    def _next(self, now: float) -> Turn:
        """The next stretch: never in the past, so that what comes late leaves a pause and no burst."""
        begin = max(self._until, now + self.settings.lead)
        until = begin + self.settings.ahead
        origin = begin - self.settings.memory
        notes = self._phrase.notes(origin, begin)
        known = tuple(replace(n, onset=n.onset - origin, offset=n.offset - origin) for n in notes)
        options = replace(
            self.settings.options, seconds=until - origin, seed=self.settings.options.seed + self._turns, variations=1
        )
        region = Region(begin - origin, until - origin)
        self._turns += 1
        self._until, self._writing = until, True
        return Turn(Request(f"jam#{self._turns}", "generate", None, (region,), known, options), origin, until)
