"""One jam: the notes of its source, the turns that the worker writes, and their notes on the MIDI port.

Knows no device and no socket: notes and cues come through its methods, all called on the loop.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from diffroll_live.errors import Busy, Cancelled, DiffrollError
from diffroll_live.music.plan import plan_request
from diffroll_live.osc.jam_replies import JamAhead, JamState
from diffroll_live.osc.replies import Note
from diffroll_live.server.clients import Client
from diffroll_live.server.event_router import EventRouter
from diffroll_live.server.jam.settings import JamSettings
from diffroll_live.server.jam.turns import Jam, State, Turn
from diffroll_live.server.midi_output import MidiOut, when_silent
from diffroll_live.server.surviving import surviving
from diffroll_live.timeline.timeline import Timeline
from diffroll_live.types import NoteEvent, StreamedNote
from diffroll_live.worker.messages import Event, Failed, Finished, Noted, Run
from diffroll_live.worker.queue import Worker

TELL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class JamContext:
    """What the jams of a daemon share. ``now`` is the clock of the MIDI output, in seconds."""

    worker: Worker
    events: EventRouter
    midi: MidiOut | None
    timeline: Timeline
    now: Callable[[], float]
    midi_api: str = "auto"  # of jams with a MIDI source


@dataclass(slots=True)
class _Writing:
    """A turn that the worker is writing; ``played`` are the indices of its notes that were played."""

    serial: int
    turn: Turn
    played: set[int] = field(default_factory=set)


class JamSession:
    """Plays in turns with one musician. ``close`` ends every note of it."""

    def __init__(
        self,
        client: Client,
        name: str,
        context: JamContext,
        settings: JamSettings,
        on_close: Callable[[], None],
        on_silent: Callable[[], None],
    ) -> None:
        """``on_close`` is called when it ends, ``on_silent`` once all its notes have ended after that."""
        self.client, self.name = client, name
        self.context, self._on_close, self._on_silent = context, on_close, on_silent
        self._jam = Jam(settings, context.timeline.meter_on_clock)
        self._begin = context.now()
        self._writing: _Writing | None = None
        self._indices = itertools.count()
        self._told_at = -math.inf
        self._dropped_before = self._dropped()  # by an earlier jam of this name
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            Noted: self._noted,
            Finished: lambda _: self._written(),
            Failed: self._failed,
        }
        self.client.send(JamState(name, "listening"))
        with contextlib.suppress(Busy):  # then the first turn measures the time
            self._submit(self._jam.rehearse(context.now()))

    @property
    def state(self) -> State:
        """Whose turn it is."""
        return self._jam.state

    @property
    def settings(self) -> JamSettings:
        """The settings, which may be replaced at any time."""
        return self._jam.settings

    @settings.setter
    def settings(self, settings: JamSettings) -> None:
        self._jam.settings = settings

    @property
    def owner(self) -> str:
        """The owner of its notes on the MIDI port."""
        return f"{self.client.key}/jam/{self.name}"

    def start(self, pitch: int, velocity: int, at: float) -> None:
        """Note that the musician strikes a key, ``at`` a time of the MIDI output's clock."""
        if self._jam.started(pitch, velocity, at):
            self._fall_silent()

    def end(self, pitch: int, at: float) -> None:
        """Note that the musician releases a key."""
        self._jam.ended(pitch, at)

    def cue(self) -> None:
        """Give the turn to the model: after the lead, on the next beat of the DAW or of what was played."""
        now = self.context.now()
        turn = self._jam.cue(now)
        if turn is not None:
            self._told_at = now
            self.client.send(JamState(self.name, "answering"))
            self._ask(turn)

    def listen(self) -> None:
        """Give the turn back to the musician."""
        if self._jam.state == "answering":
            self._jam.listen(self.context.now())
            self._fall_silent()

    def tick(self) -> None:
        """Advance in time: a long enough rest is a cue, and an answer is continued."""
        now = self.context.now()
        self._jam.pause(now)
        if self._jam.is_rest_over(now, self.context.timeline.bar(now, self.settings.tempo, self.settings.beats)):
            self.cue()
        elif (turn := self._jam.go_on(now)) is not None:
            self._ask(turn)
        if self._jam.state == "answering" and now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            self.client.send(JamAhead(self.name, 1000.0 * self._jam.ahead(now), self._dropped() - self._dropped_before))

    def lose(self, error: DiffrollError) -> None:
        """Report that the source is lost for now; held keys count as released."""
        self._jam.let_go(self.context.now())
        self.client.send_error(self.name, error)

    def fail(self, error: DiffrollError) -> None:
        """End the jam and report why."""
        self.client.send_error(self.name, error)
        self.close()

    def close(self) -> None:
        """End the jam and every note of it."""
        self._drop()
        self._on_close()
        if self.context.midi is not None:
            when_silent(self.context.midi.cancel(self.owner), self._on_silent)
        else:
            self._on_silent()

    def _ask(self, turn: Turn) -> None:
        try:
            self._submit(turn)
        except DiffrollError as error:
            self._give_up(error)

    def _submit(self, turn: Turn) -> None:
        """Have a turn written instead of any other. Raises errors.Busy, errors.RequestError, errors.BadRegion."""
        self._drop()
        serial = self.context.events.next_number()
        plan = plan_request(turn.request, self.context.worker.info.max_seconds)
        work = Run(serial, plan, self.client.key, urgent=True)
        self.context.worker.submit(work, (self.client.key, "jam", self.name))
        self._writing = _Writing(serial, turn)
        self.context.events.follow(serial, self._on_event)

    def _noted(self, event: Noted) -> None:
        assert self._writing is not None
        region = self._writing.turn.request.regions[0]
        new = [
            item for item in event.notes if item.index not in self._writing.played and item.note.onset >= region.onset
        ]
        self._writing.played |= {item.index for item in new}
        self._play(self._jam.wrote(self._writing.turn, [self._on_channel(item) for item in new], self.context.now()))

    def _on_channel(self, item: StreamedNote) -> NoteEvent:
        return replace(item.note, channel=self.settings.channel - 1)

    def _play(self, notes: tuple[NoteEvent, ...]) -> None:
        for note in notes:
            row = (next(self._indices), note.pitch, note.onset - self._begin, note.duration, note.velocity, 0)
            self.client.send(Note(self.name, *row))
        if self.context.midi is not None and notes:
            try:
                self.context.midi.play(self.owner, notes, 0.0)
            except DiffrollError as error:
                self.client.send_error(self.name, error)

    def _written(self) -> None:
        assert self._writing is not None
        turn, self._writing = self._writing.turn, None
        self._jam.finished(turn, self.context.now())
        self.tick()

    def _failed(self, event: Failed) -> None:
        self._writing = None
        if not isinstance(event.error, Cancelled):
            self._give_up(event.error)

    def _give_up(self, error: DiffrollError) -> None:
        self.client.send_error(self.name, error)
        self.listen()

    def _fall_silent(self) -> None:
        self._drop()
        if self.context.midi is not None:
            self.context.midi.cancel(self.owner)
        self.client.send(JamState(self.name, "listening"))

    def _drop(self) -> None:
        if self._writing is not None:
            serial, self._writing = self._writing.serial, None
            self.context.events.drop(serial)
            self.context.worker.cancel(serial)

    def _on_event(self, event: Event) -> None:
        handler = self._handlers.get(type(event))
        if handler is not None:
            with surviving(f"jam {self.name} of {self.client.key}", self._give_up):
                handler(event)

    def _dropped(self) -> int:
        return self.context.midi.dropped(self.owner) if self.context.midi is not None else 0
