"""What goes in must come out: counts the notes of a MIDI port, and everything else that a long run comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

_NOTE_OFF, _NOTE_ON, _CONTROL = 0x80, 0x90, 0xB0
_ALL_OFF = (120, 123)  # controllers: all sound off, all notes off


@dataclass(slots=True)
class NoteBalance:
    """Notes that a listener has heard begin and end. Those that sound when the port is lost end with it."""

    on: int = 0
    off: int = 0
    lost: int = 0  # ended with the port
    doubled: int = 0  # begun while they sounded
    unasked: int = 0  # ended that did not sound
    _sounding: set[tuple[int, int]] = field(default_factory=set)  # channel, pitch

    def hear(self, messages: Iterable[bytes]) -> None:
        """Take messages in the order in which they came."""
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
        """Nothing that sounds can be heard to end any more."""
        self.lost += len(self._sounding)
        self._sounding.clear()

    @property
    def hanging(self) -> int:
        """How many notes sound."""
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
class Tally:
    """Adds up counts that are told again whenever they have grown, and that may begin anew."""

    total: int = 0
    _last: dict[str, int] = field(default_factory=dict)  # by what is counted

    def hear(self, what: str, count: int) -> int:
        """Take a count as it was told; give by how much it has grown."""
        last = self._last.get(what, 0)
        grown = count - last if count >= last else count
        self.total, self._last[what] = self.total + grown, count
        return grown


@dataclass(slots=True)
class Balance:
    """What a soak comes to. Memory in MB, of the daemon and all that it has started."""

    minutes: float = 0.0
    notes: NoteBalance = field(default_factory=NoteBalance)
    done: Counter[str] = field(default_factory=Counter)  # troubles made, by name
    told: Counter[str] = field(default_factory=Counter)  # replies of the daemon, by address or error code
    memory: list[float] = field(default_factory=list)  # once a minute
    hops: int = 0
    missed: Tally = field(default_factory=Tally)  # hops
    missed_down: int = 0  # of these, while the inference process came up again
    late: Tally = field(default_factory=Tally)  # notes that came too late to be played, of jobs, jams and live input

    @property
    def is_even(self) -> bool:
        """Whether every note that began has ended, and none sounded twice at once."""
        notes = self.notes
        return notes.on == notes.off + notes.lost and not notes.hanging and not notes.doubled

    @property
    def growth(self) -> float:
        """MB by which memory has grown from the first third to the last, by their medians."""
        third = max(1, len(self.memory) // 3)
        middle = [sorted(part)[len(part) // 2] for part in (self.memory[:third], self.memory[-third:])]
        return middle[1] - middle[0]

    def lines(self) -> tuple[str, ...]:
        """Say it in lines for people."""
        notes, memory, missed = self.notes, self.memory, self.missed.total - self.missed_down
        troubles = ", ".join(f"{count} {name}" for name, count in sorted(self.done.items()))
        answers = ", ".join(f"{count} {name}" for name, count in sorted(self.told.items()))
        verdict = "even" if self.is_even else "NOT EVEN"
        sounded = f"notes: {notes.on} on = {notes.off} off + {notes.lost} with a lost port"
        odd = f"{notes.hanging} hang, {notes.doubled} twice at once, {notes.unasked} ends too many"
        size = f"memory: {memory[0]:.0f} MB at first, {max(memory):.0f} at most, {memory[-1]:.0f} at the end"
        return (
            f"{self.minutes:.1f} minutes: {troubles}",
            f"{sounded}; {odd}: {verdict}",
            f"live: {self.hops} hops heard, {missed} missed and {self.missed_down} more after crashes",
            f"{self.late.total} notes came too late to be played and were dropped",
            f"{size}, grown by {self.growth:.0f}",
            f"the daemon told: {answers}",
        )
