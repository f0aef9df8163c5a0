"""The thread that owns the inference process: starts it, sends it work, receives its events, restarts it when it dies.

It shares with other threads only two queues, two flags and the callback that takes each event.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import queue
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from diffroll_live.backoff import Backoff
from diffroll_live.errors import InternalError
from diffroll_live.types import Engine
from diffroll_live.worker.messages import (
    Died,
    Event,
    Failed,
    Finished,
    LiveMessage,
    Ready,
    StartFailed,
    Work,
    describe_exit,
)
from diffroll_live.worker.pipe import WorkSender
from diffroll_live.worker.process import main

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LAST_PAUSE = 0.5, 30.0  # s between starts that come to nothing


class Supervisor:
    """Keeps one inference process alive. ``post`` takes every event, on this thread."""

    def __init__(self, factory: Callable[[], Engine], post: Callable[[Event], None], grace: float) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._factory = factory
        self._post = post
        self._grace = grace  # s, that a process has to end by itself
        self._cancelled = self._context.RawValue("q", 0)
        self._inbox: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._live: queue.SimpleQueue[LiveMessage] = queue.SimpleQueue()
        self._awake, self._waker = self._context.Pipe(duplex=False)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="diffroll-worker", daemon=True)
        self._loaded = False  # whether the engine of the present process is
        self._failures = 0  # starts in a row that came to nothing
        self._backoff = Backoff(_FIRST_PAUSE, _LAST_PAUSE)
        self._unsent: Work | None = None
        self._sent: Work | None = None

    def start(self) -> None:
        """Start the thread and with it the process."""
        self._thread.start()

    def send(self, work: Work) -> None:
        """Hand over a piece of work; called only when the one before is done."""
        self._inbox.put(work)
        self._waker.send_bytes(b"w")

    def send_live(self, message: LiveMessage) -> None:
        """Send to the live thread, whatever work is running; the message is lost while there is no process."""
        self._live.put(message)
        self._waker.send_bytes(b"l")

    def cancel(self, serial: int) -> None:
        """Make the work stop at its next network evaluation."""
        self._cancelled.value = serial

    def close(self) -> None:
        """End the process, by force if it does not end by itself, and the thread. Safe to call again."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._waker.send_bytes(b"c")
        if self._thread.is_alive():
            self._thread.join()
        self._awake.close()
        self._waker.close()

    def _supervise(self) -> None:
        if hasattr(signal, "pthread_sigmask"):  # inherited: a Ctrl-C must not end a process that is still starting
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while not self._closing.is_set():
            try:
                process, connection, live = self._spawn()
            except Exception as error:
                logger.exception("the inference process cannot be started")
                self._report_failed_start(f"The inference process cannot be started ({error}); close other programs.")
                self._closing.wait(self._backoff.next())
                continue
            self._exchange(connection, live)
            self._end(process, connection, live)
            if not self._closing.is_set():
                self._report_death(process.exitcode)
                self._closing.wait(self._backoff.next() if self._failures else 0.0)

    def _spawn(self) -> tuple[BaseProcess, Connection, Connection]:
        ours, theirs = self._context.Pipe()
        our_live, their_live = self._context.Pipe()
        process = self._context.Process(
            target=main, args=(theirs, their_live, self._cancelled, self._factory), name="diffroll-engine", daemon=True
        )
        process.start()
        theirs.close()  # so that ours reads the end when the process is gone
        their_live.close()
        self._loaded = False
        return process, ours, our_live

    def _exchange(self, connection: Connection, live: Connection) -> None:
        """Send work and receive events until the process is gone or the daemon closes."""
        sender = WorkSender(connection)
        while not self._closing.is_set():
            try:
                self._send_live(live)
                self._send_next(sender)
                ready = wait([connection, live, self._awake])
                if self._awake in ready:
                    self._awake.recv_bytes()
                for source in (live, connection):
                    if source in ready:
                        self._receive(source.recv())
            except (EOFError, OSError):
                self._drain(connection)
                return
            except Exception:
                logger.exception("what the inference process sent cannot be read; starting it again")
                return

    def _drain(self, connection: Connection) -> None:
        """Receive what the process sent before it died, which the end of the live pipe may have overtaken."""
        with contextlib.suppress(EOFError, OSError):
            while connection.poll():
                self._receive(connection.recv())

    def _send_live(self, live: Connection) -> None:
        while not self._live.empty():
            message = self._live.get_nowait()
            if self._loaded:
                live.send(message)

    def _send_next(self, sender: WorkSender) -> None:
        if not self._loaded or self._sent is not None:
            return
        if self._unsent is None and not self._inbox.empty():
            self._unsent = self._inbox.get_nowait()
        if self._unsent is not None:
            sender.send(self._unsent)
            self._sent, self._unsent = self._unsent, None

    def _receive(self, event: Event) -> None:
        if isinstance(event, Ready):
            self._loaded, self._failures = True, 0
            self._backoff.reset()
        elif isinstance(event, StartFailed):
            self._failures += 1
            event = StartFailed(event.error, self._failures)
        elif isinstance(event, Finished | Failed):
            self._sent = None
        self._post(event)

    def _report_death(self, exit_code: int | None) -> None:
        serial = self._sent.serial if self._sent else None
        self._sent = None
        if self._loaded:
            logger.error("the inference process %s; starting it again", describe_exit(exit_code))
            self._post(Died(exit_code, serial))
        elif exit_code != 0:  # with 0 it has reported why itself
            self._report_failed_start(f"The inference process {describe_exit(exit_code)} while it loaded the model.")

    def _report_failed_start(self, reason: str) -> None:
        self._failures += 1
        self._post(StartFailed(InternalError(reason), self._failures))

    def _end(self, process: BaseProcess, connection: Connection, live: Connection) -> None:
        connection.close()
        live.close()
        for force in (None, process.terminate, process.kill):
            if force is not None:
                force()
            process.join(self._grace)
            if process.exitcode is not None:
                return
        logger.error("the inference process %s cannot be ended", process.pid)
