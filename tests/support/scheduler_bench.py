"""A scheduler without a thread, on a clock that the tests turn."""

from __future__ import annotations

from diffroll_live.errors import PortError
from diffroll_live.midi.reconnecting_sink import PortState
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import RecordingSink, Sent

ON, OFF = 0x90, 0x80


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Bench:
    """A scheduler without a thread, its clock, and every sink that it opened."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.sinks: list[RecordingSink] = []
        self.states: list[PortState] = []
        self.broken = False  # no port can be opened
        self.scheduler = Scheduler(self.open, on_state=self.states.append, clock=self.clock)
        self.scheduler.turn()

    def open(self) -> RecordingSink:
        if self.broken:
            raise PortError("There is no port.")
        self.sinks.append(RecordingSink(self.clock))
        return self.sinks[-1]

    def run(self, seconds: float) -> None:
        """Go on from one thing to do to the next, as the thread would if it were never late."""
        end = self.clock.seconds + seconds
        while (at := self.scheduler.next_turn) <= end:
            self.clock.seconds = max(self.clock.seconds, at)
            self.scheduler.turn()
        self.clock.seconds = end

    def jump(self, seconds: float) -> None:
        """Go on at once, as after a stall."""
        self.clock.seconds += seconds
        self.scheduler.turn()

    def unplug(self) -> None:
        """The port in use takes no more messages."""
        self.sinks[-1]._closed = True

    @property
    def sent(self) -> list[Sent]:
        return [sent for sink in self.sinks for sent in sink.sent]

    @property
    def notes(self) -> list[tuple[float, int, int, int]]:
        """(instant, status, pitch, velocity) of note messages; instants from the start of the test."""
        return [
            (round(sent.instant - 100.0, 6), *sent.message) for sent in self.sent if sent.message[0] & 0xF0 in (ON, OFF)
        ]
