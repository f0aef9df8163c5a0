"""What the server needs of the MIDI output. No method but ``close`` waits for a port, so all run on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from diffroll_live.midi.note_queue import NoteTotals
from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.midi.reconnecting_sink import PortState
from diffroll_live.types import NoteEvent

logger = logging.getLogger(__name__)

LEAD = 0.02  # s between the arrival of the first notes and their sound
SILENCE_SECONDS = 1.0  # how long a reply waits for notes to be ended on a port that hangs


class MidiOut(Protocol):
    """The scheduler, as the server sees it; `midi.scheduler.Scheduler` is the real one."""

    @property
    def now(self) -> Callable[[], float]:
        """The clock of every ``start`` and ``due``, in seconds."""

    @property
    def state(self) -> PortState:
        """Whether the port is open, in words."""

    def play(self, owner: str, notes: Sequence[NoteEvent], start: float) -> None:
        """Play notes; ``start`` is the time of their second 0. Raises Busy, PortClosed and RequestError."""

    def hold(self, owner: str, channel: int, pitch: int, velocity: int, due: float) -> None:
        """Start a note whose end is not known yet. Raises as play()."""

    def release(self, owner: str, channel: int, pitch: int, due: float) -> None:
        """End a note that is held."""

    def place(self, owner: str, notes: Sequence[NoteEvent], origin: float) -> None:
        """Play notes on every pass of the DAW's playhead; ``origin`` is the position of their second 0.

        Raises as play().
        """

    def follow(self, playhead: PlayheadModel) -> None:
        """Switch to a new model of the playhead."""

    def cancel(self, owner: str) -> Future[None]:
        """End and forget the notes of an owner; completes when that has been sent."""

    def panic(self) -> Future[None]:
        """End and forget all notes; completes when that has been sent."""

    def dropped(self, owner: str) -> int:
        """Count the notes of an owner that were too late."""

    def totals(self) -> NoteTotals:
        """Count the notes of all owners so far."""

    def close(self) -> None:
        """End all notes and close the port, waiting for it."""


def when_silent(silence: Future[None], then: Callable[[], None]) -> None:
    """Call ``then`` on the running loop when notes have been ended, and after SILENCE_SECONDS at the latest."""
    if silence.done():
        then()
        return
    loop = asyncio.get_running_loop()
    waiting = asyncio.wrap_future(silence, loop=loop)
    timer = loop.call_later(SILENCE_SECONDS, waiting.cancel)

    def go_on(ended: asyncio.Future[None]) -> None:
        timer.cancel()
        if ended.cancelled():
            logger.warning("the MIDI output has not responded for %g s", SILENCE_SECONDS)
        then()

    waiting.add_done_callback(go_on)
