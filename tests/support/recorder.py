"""A scheduler that plays nothing and remembers everything."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

from diffroll_live.midi.note_queue import NoteTotals
from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.midi.reconnecting_sink import PortState
from diffroll_live.types import NoteEvent


class RecordingScheduler:
    """Keeps (owner, notes, start) of every play and the order of all calls."""

    def __init__(self) -> None:
        self.now = time.monotonic
        self._lock = threading.Lock()
        self.calls: list[tuple[str, str]] = []
        self.played: list[tuple[str, tuple[NoteEvent, ...], float]] = []
        self.held: list[tuple[int, float, str]] = []  # pitch, due, on or off
        self.placed: list[tuple[str, tuple[NoteEvent, ...], float]] = []
        self.playheads: list[PlayheadModel] = []
        self.late: dict[str, int] = {}
        self.state = PortState(True, "Notes are written down.")

    def play(self, owner: str, notes: Sequence[NoteEvent], start: float) -> None:
        with self._lock:
            self.calls.append(("play", owner))
            self.played.append((owner, tuple(notes), start))

    def hold(self, owner: str, channel: int, pitch: int, velocity: int, due: float) -> None:
        with self._lock:
            self.calls.append(("hold", owner))
            self.held.append((pitch, due, "on"))

    def release(self, owner: str, channel: int, pitch: int, due: float) -> None:
        with self._lock:
            self.calls.append(("release", owner))
            self.held.append((pitch, due, "off"))

    def place(self, owner: str, notes: Sequence[NoteEvent], origin: float) -> None:
        with self._lock:
            self.calls.append(("place", owner))
            self.placed.append((owner, tuple(notes), origin))

    def follow(self, playhead: PlayheadModel) -> None:
        with self._lock:
            self.playheads.append(playhead)

    def cancel(self, owner: str) -> Future[None]:
        return self._note("cancel", owner)

    def panic(self) -> Future[None]:
        return self._note("panic", "")

    def close(self) -> None:
        self._note("close", "")

    def dropped(self, owner: str) -> int:
        return self.late.get(owner, 0)

    def totals(self) -> NoteTotals:
        return NoteTotals(len(self.played), 0, sum(self.late.values()))

    def notes_of(self, job: str) -> list[NoteEvent]:
        """Every note that was played for a job."""
        with self._lock:
            return [note for owner, notes, _ in self.played if f"/{job}#" in owner for note in notes]

    def owners_of(self, job: str) -> set[str]:
        with self._lock:
            return {owner for _, owner in self.calls if f"/{job}#" in owner}

    def _note(self, call: str, owner: str) -> Future[None]:
        with self._lock:
            self.calls.append((call, owner))
        done: Future[None] = Future()
        done.set_result(None)
        return done
