"""Counts of a soak test: the notes of a MIDI port, which must all end, and everything else worth reporting."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

BACK = 10.0  # s, within which the inference process must be back
FLAT = 0.05  # share by which memory may grow between the first and the last third ...
LONG = 30  # ... of a run of so many minutes

_NOTE_OFF, _NOTE_ON, _CONTROL = 0x80, 0x90, 0xB0
_ALL_OFF = (120, 123)  # controllers: all sound off, all notes off


def _plain(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dict of a dataclass's own fields, sets as lists."""
    return {key: sorted(value) if isinstance(value, set) else value for key, value in items if key[0] != "_"}


@dataclass(slots=True)
class NoteBalance:
    """Notes that began and ended on a port. Those still sounding when the port is lost end with it."""

    on: int = 0
    off: int = 0
    lost: int = 0  # ended with the port
    doubled: int = 0  # begun while already sounding
    unasked: int = 0  # ends of notes that were not sounding
    _sounding: set[tuple[int, int]] = field(default_factory=set)  # channel, pitch

    def update(self, messages: Iterable[bytes]) -> None:
        """Count messages in order of arrival."""
        for message in messages:
            kind, channel = message[0] & 0xF0, message[0] & 0x0F
            if kind == _NOTE_ON and message[2]:
                self._begin((channel, message[1]))
            elif kind in (_NOTE_ON, _NOTE_OFF):
                self._end((channel, message[1]))
            elif kind == _CONTROL and message[1] in _ALL_OFF:
                for key in [key for key in self._sounding if key[0] == channel]:
                    self._end(key)

    def lose_port(self) -> None:
        """Count the sounding notes as lost with the port."""
        self.lost += len(self._sounding)
        self._sounding.clear()

    @property
    def hanging(self) -> int:
        """The number of notes still sounding."""
        return len(self._sounding)

    def _begin(self, key: tuple[int, int]) -> None:
        self.on += 1
        self.doubled += key in self._sounding
        self._sounding.add(key)

    def _end(self, key: tuple[int, int]) -> None:
        if key in self._sounding:
            self.off += 1
            self._sounding.remove(key)
        else:
            self.unasked += 1


@dataclass(slots=True)
class GrowingCount:
    """The total of counters that are reported whenever they grow and may restart from 0."""

    total: int = 0
    _last: dict[str, int] = field(default_factory=dict)  # by counter

    def update(self, what: str, count: int) -> int:
        """Update a counter; return by how much it has grown."""
        last = self._last.get(what, 0)
        grown = count - last if count >= last else count
        self.total, self._last[what] = self.total + grown, count
        return grown


@dataclass(slots=True)
class Balance:
    """The result of a soak test. Memory is in MB, of the daemon and all processes it started."""

    minutes: float = 0.0
    notes: NoteBalance = field(default_factory=NoteBalance)
    done: Counter[str] = field(default_factory=Counter)  # disturbances, by name
    replies: Counter[str] = field(default_factory=Counter)  # the daemon's replies, by address or error code
    memory: list[float] = field(default_factory=list)  # once a minute
    kills: int = 0  # of the inference process, with notes sounding
    recoveries: list[float] = field(default_factory=list)  # s, from each kill of the inference process until it is back
    datagrams: int = 0  # hostile ones
    unanswered: set[str] = field(default_factory=set)  # jobs and buffers that were asked for and never ended
    hops: int = 0
    missed: GrowingCount = field(default_factory=GrowingCount)  # hops
    missed_down: int = 0  # of these, while the inference process restarted
    late: GrowingCount = field(
        default_factory=GrowingCount
    )  # notes of jobs, jams and live input that came too late to be played

    @property
    def is_even(self) -> bool:
        """Whether every note that began has ended, and none was doubled."""
        notes = self.notes
        return notes.on == notes.off + notes.lost and not notes.hanging and not notes.doubled

    @property
    def faults(self) -> tuple[str, ...]:
        """What a daemon must not do and has done, as sentences; none after a run that it has stood."""
        slow = [seconds for seconds in self.recoveries if seconds > BACK]
        limit = FLAT * self.memory[len(self.memory) // 3] if len(self.memory) >= LONG else math.inf
        found = {
            "notes do not come out even": not self.is_even,
            f"{len(self.unanswered)} jobs or buffers were never answered": self.unanswered,
            f"{len(slow)} times the inference process was not back within {BACK:g} s": slow,
            f"{self.kills - len(self.recoveries)} times the inference process did not come back": self.kills
            > len(self.recoveries),
            f"memory has grown by {self.growth:.0f} MB": self.growth > limit,
            "an input never came back": self.replies["input that never came back"],
        }
        return tuple(sentence for sentence, is_so in found.items() if is_so)

    @property
    def growth(self) -> float:
        """MB by which memory has grown between the first and the last third, by the lowest tenth of each.

        The rest may have counted a process that comes and goes, such as the doctor's.
        """
        third = max(1, len(self.memory) // 3)
        low = [sorted(part)[len(part) // 10] for part in (self.memory[:third], self.memory[-third:])]
        return low[1] - low[0]

    def document(self) -> dict[str, object]:
        """The result as JSON has it."""
        kept = asdict(self, dict_factory=_plain)
        summed = {"missed": self.missed.total, "late": self.late.total, "growth": self.growth, "faults": self.faults}
        return kept | summed | {"done": dict(self.done), "replies": dict(self.replies)}

    def lines(self) -> tuple[str, ...]:
        """The result as lines for people."""
        notes, memory, missed = self.notes, self.memory, self.missed.total - self.missed_down
        troubles = ", ".join(f"{count} {name}" for name, count in sorted(self.done.items()))
        answers = ", ".join(f"{count} {name}" for name, count in sorted(self.replies.items()))
        verdict = "even" if self.is_even else "NOT EVEN"
        sounded = f"notes: {notes.on} on = {notes.off} off + {notes.lost} with a lost port"
        odd = f"{notes.hanging} hanging, {notes.doubled} doubled, {notes.unasked} extra ends"
        worst = sorted(self.recoveries)
        back = f"back after {worst[len(worst) // 2]:.1f} s, {worst[-1]:.1f} at most" if worst else "never"
        size = f"memory: {memory[0]:.0f} MB at the start, {max(memory):.0f} at most, {memory[-1]:.0f} at the end"
        return (
            f"{self.minutes:.1f} minutes: {troubles}",
            f"{sounded}; {odd}: {verdict}",
            f"live: {self.hops} hops transcribed, {missed} missed and {self.missed_down} more after crashes",
            f"{self.late.total} notes came too late to be played and were dropped",
            f"{size}, grown by {self.growth:.0f}",
            f"{self.datagrams} hostile datagrams; {len(self.unanswered)} jobs and buffers without an answer",
            f"the inference process was killed {self.kills} times with notes sounding, {back}",
            f"the daemon reported: {answers}",
            f"NOT STOOD: {'; '.join(self.faults)}" if self.faults else "stood",
        )
