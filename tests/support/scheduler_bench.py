"""A scheduler without a thread, on a clock that stands until a test moves it."""

from __future__ import annotations

from collections import Counter

from diffroll_live.errors import PortError
from diffroll_live.midi.reconnecting_sink import PortState
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import RecordingSink, Sent

ON, OFF = 0x90, 0x80
START = 100.0  # s; where the clock stands at first


class SchedulerBench:
    """A scheduler without a thread, the time ``now`` on its clock, and every sink that it opened."""

    def __init__(self) -> None:
        self.now = START
        self.sinks: list[RecordingSink] = []
        self.states: list[PortState] = []
        self.broken = False  # no port can be opened
        self.scheduler = Scheduler(self._open, on_state=self.states.append, clock=self.clock)
        self.scheduler.run_due()

    def clock(self) -> float:
        """Give the time."""
        return self.now

    def run_until(self, end: float) -> None:
        """Move the clock from one due event to the next, as the thread would if it were never late."""
        while (at := self.scheduler.next_due) <= end:
            self.now = max(self.now, at)
            self.scheduler.run_due()
        self.now = end

    def run(self, seconds: float) -> None:
        """Run for a while, as run_until()."""
        self.run_until(self.now + seconds)

    def jump(self, seconds: float) -> None:
        """Move the clock in one step, as after a stall."""
        self.now += seconds
        self.scheduler.run_due()

    def unplug(self) -> None:
        """Let the port in use take no more messages."""
        self.sinks[-1]._closed = True

    @property
    def sent(self) -> list[Sent]:
        """Every message, whichever sink it went to."""
        return [sent for sink in self.sinks for sent in sink.sent]

    @property
    def notes(self) -> list[tuple[float, int, int, int]]:
        """(instant, status, pitch, velocity) of note messages; instants count from START."""
        return [
            (round(sent.instant - START, 6), *sent.message) for sent in self.sent if sent.message[0] & 0xF0 in (ON, OFF)
        ]

    def _open(self) -> RecordingSink:
        if self.broken:
            raise PortError("There is no port.")
        self.sinks.append(RecordingSink(self.clock))
        return self.sinks[-1]


def sounding_after(sent: tuple[Sent, ...]) -> Counter[tuple[int, int]]:
    """Follow the messages, checking at each that no note is started twice or ended without a start."""
    sounding: Counter[tuple[int, int]] = Counter()
    for status, pitch, _ in (entry.message for entry in sent):
        key = (status & 0x0F, pitch)
        if status & 0xF0 == ON:
            assert sounding[key] == 0, "two notes overlap on one pitch"
            sounding[key] += 1
        elif status & 0xF0 == OFF:
            assert sounding[key] == 1, "a note is ended that does not sound"
            sounding[key] -= 1
    return +sounding
