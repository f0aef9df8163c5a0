"""The MIDI thread: sends notes on time and sees to it that each is ended, whatever happens to the port.

It owns the open sink; other threads only change the queue. Due times are absolute seconds of time.perf_counter, the
finest monotonic clock on every system (Python's time.monotonic steps by 15 ms on Windows before 3.13). Late wake-ups
therefore never add up. Which message comes next is decided in note_queue, what becomes of a lost port in kept_sink.
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
from dataclasses import dataclass

from diffroll_live.errors import PortClosed
from diffroll_live.midi.note_queue import Key, NoteQueue
from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.midi.reconnecting_sink import PortState, ReconnectingSink
from diffroll_live.midi.sinks import Sink
from diffroll_live.types import NoteEvent

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 1.0  # how long a caller waits for its notes to end
PORT_SECONDS = 5.0  # how long a caller waits for a port to open or close
FAULT_SECONDS = 0.1  # between two attempts of a thread that failed
N_LATENESS = 4096


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late the last ``count`` messages (N_LATENESS at most) were handed to the sink, in seconds."""

    count: int
    median: float
    p99: float


class Scheduler:
    """Plays notes on the sink that ``open_sink`` opens; opens it again, with a growing pause, when it is lost.

    ``open_sink`` raises PortError where there is no port. ``on_state`` is called on the MIDI thread whenever the port
    opens or is lost. Without ``start()`` there is no thread and the caller turns the wheel itself (``turn()``), with
    any ``clock``: the same logic, another "now".
    """

    def __init__(
        self,
        open_sink: Callable[[], Sink],
        *,
        on_state: Callable[[PortState], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.now = clock
        self._sink = ReconnectingSink(open_sink, on_state, clock)  # the MIDI thread's own
        self._wake = threading.Condition()  # guards everything below
        self._queue = NoteQueue()
        self._lateness: deque[float] = deque(maxlen=N_LATENESS)
        self._thread: threading.Thread | None = None
        self._asked = self._answered = 0  # commands given, and carried out
        self._silence = False  # a panic is to be sent
        self._closing = False

    def start(self) -> PortState:
        """Start the thread; return the state of the port after the first attempt to open it."""
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)
        # A daemon thread is not waited for at exit: close() must come first, or notes would hang.
        atexit.register(self.close)
        self._thread.start()
        self._ask(lambda: None, PORT_SECONDS)
        return self.state

    def play(self, owner: str, notes: Sequence[NoteEvent], start: float) -> None:
        """Add notes of an owner; ``start`` is the clock's time of their second 0. More may follow.

        Raises RequestError for a note that MIDI cannot say, Busy when too many wait, PortClosed after close(); then
        none is added.
        """
        with self._wake:
            if self._closing:
                raise PortClosed("The MIDI output was closed; start the daemon again.")
            self._queue.add(owner, notes, start)
            self._wake.notify_all()

    def place(self, owner: str, notes: Sequence[NoteEvent], origin: float) -> None:
        """Add notes of an owner whose second 0 is at ``origin`` on the DAW's timeline; each pass plays them.

        Raises as play() does; then none is added.
        """
        with self._wake:
            if self._closing:
                raise PortClosed("The MIDI output was closed; start the daemon again.")
            self._queue.place(owner, notes, origin, self.now())
            self._wake.notify_all()

    def follow(self, course: PlayheadModel) -> None:
        """Go by another course of the DAW's playhead; placed notes that sound end when it jumps or stops."""
        with self._wake:
            self._queue.follow(course, self.now())
            self._wake.notify_all()

    def hold(self, owner: str, channel: int, pitch: int, velocity: int, due: float) -> None:
        """Start a note of an owner at ``due``, whose end is not known yet; raises as ``play``.

        It sounds until ``release``, and for note_queue.LONGEST_HELD at most.
        """
        with self._wake:
            if self._closing:
                raise PortClosed("The MIDI output was closed; start the daemon again.")
            self._queue.hold(owner, channel, pitch, velocity, due)
            self._wake.notify_all()

    def release(self, owner: str, channel: int, pitch: int, due: float) -> None:
        """End at ``due`` the note that an owner held last on a channel and pitch."""
        with self._wake:
            self._queue.release(owner, channel, pitch, due)
            self._wake.notify_all()

    def cancel(self, owner: str) -> None:
        """End the sounding notes of an owner and forget the rest; return when they have been ended."""
        self._ask(lambda: self._queue.cancel(owner, self.now()))

    def panic(self) -> None:
        """End everything on every channel and forget the rest; return when that has been sent."""
        self._ask(self._panic)

    def close(self) -> None:
        """Panic, close the sink and end the thread. Safe to call again, from any thread."""
        self._ask(self._stop, PORT_SECONDS)
        atexit.unregister(self.close)
        if self._thread is None:
            self._sink.close()
        elif self._thread is not threading.current_thread():
            self._thread.join(PORT_SECONDS)
            if self._thread.is_alive():
                logger.error("the MIDI output does not answer; its thread is left behind")

    def dropped(self, owner: str) -> int:
        """Count the notes of an owner that were dropped: over 50 ms late, or due while there was no port."""
        with self._wake:
            return self._queue.dropped(owner)

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
        """Tell how late messages were sent lately; for the bench and the doctor."""
        with self._wake:
            late = sorted(self._lateness)
        if not late:
            return Lateness(0, 0.0, 0.0)
        return Lateness(len(late), late[len(late) // 2], late[int(0.99 * (len(late) - 1))])

    def turn(self) -> None:
        """Do everything that is due now. The thread does nothing else; without a thread, the caller does it."""
        with self._wake:
            asked = self._asked
            closing = self._closing
        if not closing or self._sink.is_open:
            self._sink.tend()
        while self._send_next():
            pass
        with self._wake:
            self._answered = asked
            self._wake.notify_all()

    @property
    def next_turn(self) -> float:
        """When there is something to do again, in seconds of the clock."""
        due = self._queue.next_due
        return self._sink.next_chore if due is None else min(due - self._sink.lead, self._sink.next_chore)

    def _heard(self) -> float:
        """Tell when a message that is sent now is heard, on the average."""
        return self.now() + self._sink.lead

    def _send_next(self) -> bool:
        """Send what is due first; tell whether there was anything."""
        with self._wake:
            if not self._sink.is_open:
                self._sink.abandon(self._queue.lose())
                self._queue.drop_due(self.now())
                return False
            silence, self._silence = self._silence, False
            message = None if silence else self._queue.pop(self._heard)
            sounding = self._queue.lose() if silence else frozenset()
            if message is not None:
                self._lateness.append(self._heard() - message.due)
        if silence:
            self._sink.silence(sounding)
        elif message is not None and not self._sink.send(message) and message.velocity:
            with self._wake:
                self._queue.count_dropped(message.owner)
        return silence or message is not None

    def _run(self) -> None:
        _ask_for_priority()
        closing = False
        while not closing:
            try:
                self.turn()
            except Exception:
                logger.exception("the MIDI thread failed; every note is ended")
                with self._wake:
                    self._panic()
                    self._wake.wait(FAULT_SECONDS)
            with self._wake:
                if self._asked == self._answered:
                    self._wake.wait(max(0.0, self.next_turn - self.now()))
                closing = self._closing and self._asked == self._answered
        self._sink.close()

    def _ask(self, change: Callable[[], None], timeout: float = ANSWER_SECONDS) -> None:
        """Change the queue, and wait until the MIDI thread has acted on it (but not for oneself)."""
        thread = self._thread
        with self._wake:
            change()
            self._asked += 1
            ticket = self._asked
            self._wake.notify_all()
            answers = thread is not None and thread is not threading.current_thread() and thread.is_alive()
            if answers and not self._wake.wait_for(lambda: self._answered >= ticket, timeout):
                logger.warning("the MIDI output has not answered for %g s", timeout)
        if thread is None:
            self.turn()

    def _panic(self) -> None:
        self._queue.forget()
        self._silence = True

    def _stop(self) -> None:
        self._panic()
        self._closing = True


def _ask_for_priority() -> None:
    """Let this thread go first, where the system grants that (Linux: root, or a user with an rtprio limit).

    Beside a busy process on two cores, the p99 of lateness fell from 4-8 ms to 0.2 ms. Threads that MIDI libraries
    start from here do not inherit it.
    """
    if sys.platform == "linux":
        try:
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        except OSError as error:
            logger.debug("the MIDI thread runs without priority: %s", error)
