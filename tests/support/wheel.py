"""A scheduler that the test turns itself."""

from __future__ import annotations

from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import RecordingSink

ON, OFF = 0x90, 0x80


class Wheel:
    """A scheduler that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sink = RecordingSink(lambda: self.now)
        self.scheduler = Scheduler(lambda: self.sink, clock=lambda: self.now)
        self.scheduler.turn()

    def until(self, seconds: float) -> None:
        while (at := self.scheduler.next_turn) <= seconds:
            self.now = max(self.now, at)
            self.scheduler.turn()
        self.now = seconds

    @property
    def notes(self) -> list[tuple[float, int, int]]:
        return [(round(s.instant, 6), s.message[0], s.message[1]) for s in self.sink.sent if s.message[0] in (ON, OFF)]
