"""The server's side of MIDI: every call to the scheduler, in order, off the event loop, since a port may hang."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from diffroll_live.errors import DiffrollError
from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.types import NoteEvent

logger = logging.getLogger(__name__)

LEAD = 0.02  # s between the arrival of the first notes and their sound


class MidiOut(Protocol):
    """What the daemon needs of a scheduler."""

    @property
    def now(self) -> Callable[[], float]:
        """The clock that ``start`` is told on, in seconds."""

    def play(self, owner: str, notes: Sequence[NoteEvent], start: float) -> None:
        """Play notes; ``start`` is the time of their second 0."""

    def hold(self, owner: str, channel: int, pitch: int, velocity: int, due: float) -> None:
        """Start a note whose end is not known yet."""

    def release(self, owner: str, channel: int, pitch: int, due: float) -> None:
        """End a note that is held."""

    def place(self, owner: str, notes: Sequence[NoteEvent], origin: float) -> None:
        """Play notes whenever the DAW's playhead comes to them; ``origin`` is the position of their second 0."""

    def follow(self, course: PlayheadModel) -> None:
        """Go by another course of the playhead."""

    def cancel(self, owner: str) -> None:
        """End and forget the notes of an owner."""

    def panic(self) -> None:
        """End and forget all notes."""

    def dropped(self, owner: str) -> int:
        """Count the notes of an owner that were too late."""

    def close(self) -> None:
        """End all notes and close the port."""


class MidiDesk:
    """Calls a scheduler from one thread of its own."""

    def __init__(self, scheduler: MidiOut) -> None:
        self._scheduler = scheduler
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="midi-desk")
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        """Tell the scheduler's time."""
        return self._scheduler.now()

    def play(
        self, owner: str, notes: Sequence[NoteEvent], start: float, failed: Callable[[DiffrollError], None]
    ) -> None:
        """Play notes; ``failed`` is called on the loop when the scheduler refuses them."""
        self._add(lambda: self._scheduler.play(owner, notes, start), failed)

    def place(
        self, owner: str, notes: Sequence[NoteEvent], origin: float, failed: Callable[[DiffrollError], None]
    ) -> None:
        """Have notes wait for the DAW's playhead; ``failed`` is called as by play()."""
        self._add(lambda: self._scheduler.place(owner, notes, origin), failed)

    def follow(self, course: PlayheadModel) -> None:
        """Go by another course of the playhead, at once; from any thread, as it waits for no port."""
        self._scheduler.follow(course)

    def hold(self, owner: str, channel: int, pitch: int, velocity: int, due: float) -> None:
        """Start a note at ``due`` whose end is not known yet."""
        self._submit(lambda: self._scheduler.hold(owner, channel, pitch, velocity, due))

    def release(self, owner: str, channel: int, pitch: int, due: float) -> None:
        """End at ``due`` the note that an owner held last on a channel and pitch."""
        self._submit(lambda: self._scheduler.release(owner, channel, pitch, due))

    def cancel(self, owner: str, then: Callable[[], None]) -> None:
        """End the notes of an owner, then call ``then`` on the loop."""
        self._in_order(lambda: self._scheduler.cancel(owner), then)

    def panic(self, then: Callable[[], None]) -> None:
        """End all notes, then call ``then`` on the loop."""
        self._in_order(self._scheduler.panic, then)

    def dropped(self, owner: str) -> int:
        """Count the notes of an owner that were too late."""
        return self._scheduler.dropped(owner)

    def close(self) -> None:
        """End all notes and close the port; returns when that is done."""
        self._submit(self._scheduler.panic)
        self._submit(self._scheduler.close)
        self._pool.shutdown(wait=True)

    def _in_order(self, call: Callable[[], None], then: Callable[[], None]) -> None:
        def run() -> None:
            try:
                call()
            finally:
                self._loop.call_soon_threadsafe(then)

        self._submit(run)

    def _add(self, call: Callable[[], None], failed: Callable[[DiffrollError], None]) -> None:
        def run() -> None:
            try:
                call()
            except DiffrollError as error:
                self._loop.call_soon_threadsafe(failed, error)

        self._submit(run)

    def _submit(self, call: Callable[[], None]) -> None:
        self._pool.submit(call).add_done_callback(_log_failure)


def _log_failure(future: Future[None]) -> None:
    error = future.exception()
    if error is not None:
        logger.error("the MIDI scheduler failed", exc_info=error)
