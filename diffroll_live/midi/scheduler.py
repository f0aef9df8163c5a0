"""The MIDI thread: sends notes on time and makes sure that each one is ended, whatever happens to the port.

It owns the open sink. Other threads only change the queue, under a lock that is never held while a message is sent, so
that no caller waits for a port. Due times are absolute seconds of time.perf_counter, the finest monotonic clock on
every system (Python's time.monotonic steps by 15 ms on Windows before 3.13), so late wake-ups never add up. Which
message comes next is decided in note_queue, what happens to a lost port in reconnecting_sink.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

from diffroll_live.errors import PortClosed
from diffroll_live.midi.bend import BEND
from diffroll_live.midi.note_queue import Key, NoteQueue, NoteTotals
from diffroll_live.midi.pedal import PEDAL
from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.midi.reconnecting_sink import PortState, ReconnectingSink
from diffroll_live.midi.sinks import Sink
from diffroll_live.types import NoteEvent

logger = logging.getLogger(__name__)

OPEN_SECONDS = 5.0  # how long start() waits for the port
CLOSE_SECONDS = 10.0  # how long close() waits for the port
FAULT_SECONDS = 0.1  # pause before the thread goes on after a failure
N_LATENESS = 4096
AUDIBLE = 0.01  # s; a note that is sent later than this counts as late


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late the last ``count`` messages (N_LATENESS at most) were handed to the sink, in seconds."""

    count: int
    median: float
    p99: float


class Scheduler:
    """Plays notes on the sink that ``open_sink`` opens, and reopens it after growing pauses when it is lost.

    ``open_sink`` raises PortError where there is no port. ``on_state`` is called on the MIDI thread whenever the port
    opens or is lost. Every method may be called from any thread, and only ``start`` and ``close`` wait for the port.
    Without ``start()`` there is no thread: the caller runs due events itself (``run_due``), on any ``clock``.
    """

    def __init__(
        self,
        open_sink: Callable[[], Sink],
        *,
        on_state: Callable[[PortState], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.now = clock
        self._sink = ReconnectingSink(open_sink, on_state, clock)  # only the MIDI thread uses it
        self._wake = threading.Condition()  # guards everything below
        self._queue = NoteQueue()
        self._lateness: deque[float] = deque(maxlen=N_LATENESS)
        self._sent = self._late = 0  # notes
        self._thread: threading.Thread | None = None
        self._commands: list[Future[None]] = []  # that the thread has not carried out yet
        self._silence = False  # a panic is to be sent
        self._closing = self._ended = False

    def start(self) -> PortState:
        """Start the thread; return the state of the port after the first attempt to open it."""
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)
        # A daemon thread is not waited for at exit: close() must come first, or notes would hang.
        atexit.register(self.close)
        self._thread.start()
        wait((self._command(lambda: None),), OPEN_SECONDS)
        return self.state

    def play(self, owner: str, notes: Sequence[NoteEvent], start: float) -> None:
        """Add notes of an owner; ``start`` is the clock's time of their second 0. More may follow.

        Raises RequestError for a note that MIDI cannot express, Busy when too many wait, PortClosed after close();
        then none is added.
        """
        self._add(lambda: self._queue.add(owner, notes, start))

    def place(self, owner: str, notes: Sequence[NoteEvent], origin: float) -> None:
        """Add notes of an owner whose second 0 is at ``origin`` on the DAW's timeline; each pass plays them.

        Raises as play() does; then none is added.
        """
        self._add(lambda: self._queue.place(owner, notes, origin, self.now()))

    def hold(self, owner: str, channel: int, pitch: int, velocity: int, due: float) -> None:
        """Start a note of an owner at ``due`` whose end is not known yet; raises as play() does.

        It sounds until ``release``, and for note_queue.LONGEST_HELD at most.
        """
        self._add(lambda: self._queue.hold(owner, channel, pitch, velocity, due))

    def release(self, owner: str, channel: int, pitch: int, due: float) -> None:
        """End at ``due`` the last note that an owner holds on a channel and pitch."""
        with self._wake:
            self._queue.release(owner, channel, pitch, due)
            self._wake.notify_all()

    def follow(self, playhead: PlayheadModel) -> None:
        """Switch to a new model of the DAW's playhead; placed notes that sound end when it jumps or stops."""
        with self._wake:
            self._queue.follow(playhead, self.now())
            self._wake.notify_all()

    def cancel(self, owner: str) -> Future[None]:
        """End the sounding notes of an owner and forget the rest; the future completes when they have been ended.

        It does not complete while the port hangs, and cannot be cancelled.
        """
        return self._command(lambda: self._queue.cancel(owner, self.now()))

    def panic(self) -> Future[None]:
        """End everything on every channel and forget the rest; the future is as that of cancel()."""
        return self._command(self._panic)

    def close(self) -> None:
        """Panic, close the sink and end the thread. Safe to call again, from any thread."""
        self._command(self._stop)
        atexit.unregister(self.close)
        if self._thread is None:
            self._sink.close()
        elif self._thread is not threading.current_thread():
            self._thread.join(CLOSE_SECONDS)
            if self._thread.is_alive():
                logger.error("the MIDI output does not respond; its thread is left behind")

    def dropped(self, owner: str) -> int:
        """Count the notes of an owner that were dropped: over 50 ms late, or due while there was no port."""
        with self._wake:
            return self._queue.dropped(owner)

    def totals(self) -> NoteTotals:
        """Count the notes of all owners so far; late are those sent more than AUDIBLE after their time."""
        with self._wake:
            return NoteTotals(self._sent, self._late, self._queue.total_dropped)

    @property
    def sounding(self) -> frozenset[Key]:
        """(channel, pitch) of each note that sounds."""
        with self._wake:
            return self._queue.sounding

    @property
    def state(self) -> PortState:
        """Whether the port is open, in words."""
        return self._sink.state

    def lateness(self) -> Lateness:
        """Measure how late recent messages were sent; for the bench and the diagnostics."""
        with self._wake:
            late = sorted(self._lateness)
        if not late:
            return Lateness(0, 0.0, 0.0)
        return Lateness(len(late), late[len(late) // 2], late[int(0.99 * (len(late) - 1))])

    def run_due(self) -> None:
        """Do everything that is due now. This is all that the thread does; without a thread, the caller does it."""
        with self._wake:
            commands = tuple(self._commands)
            closing = self._closing
        if not closing or self._sink.is_open:
            self._sink.maintain()
        while self._send_next():
            pass
        with self._wake:
            carried_out = [command for command in commands if command in self._commands]
            self._commands = [command for command in self._commands if command not in carried_out]
        for command in carried_out:
            command.set_result(None)

    @property
    def next_due(self) -> float:
        """When there is something to do again, in seconds of the clock."""
        due = self._queue.next_due
        return self._sink.next_check if due is None else min(due - self._sink.lead, self._sink.next_check)

    def _audible_at(self) -> float:
        """Give the time at which a message that is sent now is heard, on average."""
        return self.now() + self._sink.lead

    def _send_next(self) -> bool:
        """Send the message that is due first; return whether there was one."""
        with self._wake:
            if not self._sink.is_open:
                self._sink.abandon(self._queue.lose())
                self._queue.drop_due(self.now())
                return False
            silence, self._silence = self._silence, False
            message = None if silence else self._queue.pop(self._audible_at)
            sounding = self._queue.lose() if silence else frozenset()
            if message is not None:
                lateness = self._audible_at() - message.due
                self._lateness.append(lateness)
                is_note = message.velocity > 0 and message.pitch < PEDAL
                self._sent += is_note
                self._late += is_note and lateness > AUDIBLE
        if silence:
            self._sink.silence(sounding)
        elif message is not None and not self._sink.send(message) and message.velocity and message.pitch != BEND:
            with self._wake:
                self._queue.count_dropped(message.owner)
        return silence or message is not None

    def _run(self) -> None:
        _ask_for_priority()
        while not self._ended:
            try:
                self.run_due()
            except Exception:
                logger.exception("the MIDI thread failed; every note is ended")
                with self._wake:
                    self._panic()
                    self._wake.wait(FAULT_SECONDS)
            with self._wake:
                if not self._commands:
                    self._wake.wait(max(0.0, self.next_due - self.now()))
                self._ended = self._closing and not self._commands
        self._sink.close()

    def _add(self, add: Callable[[], None]) -> None:
        """Put notes into the queue. Raises PortClosed after close()."""
        with self._wake:
            if self._closing:
                raise PortClosed("The MIDI output was closed; start the daemon again.")
            add()
            self._wake.notify_all()

    def _command(self, change: Callable[[], None]) -> Future[None]:
        """Change the queue; the future completes when everything that this makes due has been sent."""
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # a caller that stops waiting takes nothing back
        with self._wake:
            if self._ended:  # nothing sounds any more, and the sink is the thread's to close
                done.set_result(None)
                return done
            change()
            self._commands.append(done)
            self._wake.notify_all()
        if self._thread is None:
            self.run_due()
        return done

    def _panic(self) -> None:
        self._queue.forget()
        self._silence = True

    def _stop(self) -> None:
        self._panic()
        self._closing = True


def _ask_for_priority() -> None:
    """Give this thread real-time priority where the system permits it (Linux: root, or a user with an rtprio limit).

    Next to a busy process on two cores, it lowered the p99 of lateness from 4-8 ms to 0.2 ms. Threads that MIDI
    libraries start from here do not inherit it.
    """
    if sys.platform == "linux":
        try:
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        except OSError as error:
            logger.debug("the MIDI thread runs without priority: %s", error)
