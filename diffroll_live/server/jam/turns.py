"""A conversation in notes: what was played, when it is the model's turn, what it continues. No clock, no thread.

Every method takes the time ``now``, in seconds of a monotonic clock; notes are on the same axis. An answer that is
written too slowly leaves pauses: each turn begins when it can be ready, judging by how long the last one took.

An answer goes by the DAW's bars and beats, or else by those that the musician kept to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from diffroll_live.limits import LIMITS
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.music.beats import estimate_meter
from diffroll_live.music.regions import SHORTEST
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.server.jam.settings import JamSettings
from diffroll_live.types import NoteEvent, Region, Request

State = Literal["listening", "answering"]

RING = 4.0  # s for which a note may ring into the next turn
PAUSE = 0.15  # s in which nothing is struck or released, after which there is time to look back


class Phrase:
    """What was played recently: finished notes, and held ones."""

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

    def let_go(self, now: float) -> None:
        """End every note that is held."""
        for pitch in tuple(self._held):
            self.end(pitch, now)

    def cut(self, now: float) -> None:
        """End everything ``now``, what is held and what was to sound on, and forget what was to come."""
        self.let_go(now)
        begun = (note for note in self._done if note.onset <= now)
        self._done = [replace(note, offset=min(note.offset, max(now, note.onset + SHORTEST))) for note in begun]
        self.last = now

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
    """What to write next: second 0 of the axis of ``request`` is ``origin`` on the axis of the jam."""

    request: Request
    origin: float  # s
    begin: float  # s; where the written part begins
    until: float  # s; where it ends
    asked: float  # s; when


class Jam:
    """Whose turn it is, and what the model has to write in its own.

    ``meter_at`` gives the DAW's bars and beats as they go on from a time, if it moves to any.
    """

    def __init__(self, settings: JamSettings, meter_at: Callable[[float], MeterMap | None] = lambda _: None) -> None:
        self.settings = settings
        self.state: State = "listening"
        self._meter_at = meter_at
        self._heard: MeterMap | None = None  # the beat that the musician kept to before this answer
        self._heard_until = -math.inf  # what was played by then
        self._phrase = Phrase()
        self._fresh = False  # something was played since the last answer
        self._cued = math.inf  # when the answer was asked for
        self._until = -math.inf  # to where the answer is asked for
        self._written = -math.inf  # to where it is written
        self._turns = 0
        self._writing = False
        self._need = 0.0  # s from asking for the last turn to its begin that would have brought all its notes in time
        self._needed = -math.inf  # s; the same for the notes so far of the turn that is being written

    def started(self, pitch: int, velocity: int, now: float) -> bool:
        """Note that the musician strikes a key; return whether that ends an answer.

        A strike from before the cue that is reported late ends no answer.
        """
        interrupted = self.state == "answering" and now > self._cued
        if interrupted:
            self.listen(now)
        if LOW_PITCH <= pitch <= HIGH_PITCH:
            self._phrase.start(pitch, velocity, now)
            self._fresh = self.state == "listening"
        return interrupted

    def ended(self, pitch: int, now: float) -> None:
        """Note that the musician releases a key."""
        self._phrase.end(pitch, now)

    def let_go(self, now: float) -> None:
        """Note that the musician releases all keys."""
        self._phrase.let_go(now)

    def listen(self, now: float) -> None:
        """Give the turn back to the musician; of the answer only what has sounded is remembered."""
        self.state, self._writing = "listening", False
        self._phrase.cut(now)

    def rehearse(self, now: float) -> Turn:
        """Give a turn to write before anybody has played, only to measure how long that takes."""
        return self._next(now)

    def cue(self, now: float) -> Turn | None:
        """Make it the model's turn, from the first beat after the lead on; return what to write first.

        None while nothing has been played, or when it is the model's turn already.
        """
        if self.state == "answering" or self._phrase.is_empty:
            return None
        self.state, self._fresh, self._cued, self._until = "answering", False, now, -math.inf
        self._hear_beat(now)
        self._phrase.cut(now)
        return self._next(now)

    def pause(self, now: float) -> None:
        """Hear the beat of what was played while the musician pauses, so that an answer need not wait for that."""
        if self.state == "listening" and self._fresh and now - self._phrase.last >= PAUSE:
            self._hear_beat(now)

    def is_rest_over(self, now: float, bar: float) -> bool:
        """Whether the musician has been silent for long enough to give the turn, where a bar has ``bar`` seconds."""
        if self.state == "answering" or not self._fresh or self._phrase.is_held or not self.settings.rest_bars:
            return False
        return now - self._phrase.last >= self.settings.rest_bars * bar

    def go_on(self, now: float) -> Turn | None:
        """Give what to write next, when less than the time to stay ahead by is left of what is written."""
        if self.state != "answering" or self._writing or self.ahead(now) >= self.settings.ahead:
            return None
        return self._next(now)

    def wrote(self, turn: Turn, notes: Iterable[NoteEvent], now: float) -> tuple[NoteEvent, ...]:
        """Take notes of a turn, on the axis of its request; return them on the jam's, in the model's turn."""
        placed = tuple(
            replace(note, onset=note.onset + turn.origin, offset=note.offset + turn.origin) for note in notes
        )
        self._needed = max([self._needed, *(now - turn.asked - (note.onset - turn.begin) for note in placed)])
        if self.state != "answering":
            return ()
        self._phrase.add(placed)
        return placed

    def finished(self, turn: Turn, now: float) -> None:
        """Note that all of the last turn is written."""
        self._writing, self._written = False, self._until
        self._need = self._needed if math.isfinite(self._needed) else now - turn.asked

    def ahead(self, now: float) -> float:
        """Give the seconds by which writing is ahead of what sounds; negative when it has fallen behind."""
        return self._written - now

    def _next(self, now: float) -> Turn:
        """Give the next turn: never in the past, so that a late one leaves a pause and no burst."""
        soonest = now + max(self.settings.lead, min(self._need, self.settings.ahead))
        meter = self._meter_at(now) or self._heard
        begin = self._until if self._until >= soonest else max(soonest, _on_beat(meter, soonest))
        until = _on_beat(meter, begin + self.settings.ahead)
        origin = begin - self.settings.memory
        notes = self._phrase.notes(origin, begin)
        known = tuple(replace(n, onset=n.onset - origin, offset=n.offset - origin) for n in notes)
        seed = (self.settings.options.seed + self._turns) % (int(LIMITS["seed"].high) + 1)
        options = replace(self.settings.options, seconds=until - origin + RING, seed=seed, variations=1)
        region = Region(begin - origin, until - origin)
        self._turns += 1
        self._written, self._until, self._writing, self._needed = begin, until, True, -math.inf
        meter = meter.from_time(origin) if meter is not None else None
        request = Request(f"jam#{self._turns}", "generate", None, (region,), known, options, meter=meter)
        return Turn(request, origin, begin, until, now)

    def _hear_beat(self, now: float) -> None:
        """Find the bars and beats that what was played keeps to, if to any, where the DAW moves to none."""
        if self._meter_at(now) is not None:
            self._heard, self._heard_until = None, -math.inf
        elif self._heard_until != self._phrase.last:
            notes = self._phrase.notes(now - self.settings.memory, now)
            table = np.array([(n.onset, n.offset, n.pitch, n.velocity) for n in notes], float).reshape(-1, 4)
            meter = estimate_meter(table)
            self._heard, self._heard_until = meter if meter.source == "estimated" else None, self._phrase.last


def _on_beat(meter: MeterMap | None, time: float) -> float:
    return time if meter is None else meter.next_beat(time)
