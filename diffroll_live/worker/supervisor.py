"""The thread that owns the inference process: starts it, sends it work, receives its events, restarts it when it dies.

It shares with other threads only two queues, a flag and the callback that takes each event; with the process, the
serial of the work whose turn it is, so as to know what a crash is about.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from ctypes import c_longlong
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from diffroll_live.errors import InternalError
from diffroll_live.worker.backoff import Backoff
from diffroll_live.worker.birth import birth_context
from diffroll_live.worker.messages import (
    Cancel,
    Died,
    LiveMessage,
    Ready,
    Report,
    StartFailed,
    Work,
    describe_exit,
)
from diffroll_live.worker.pipe import WorkSender
from diffroll_live.worker.process import main

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LAST_PAUSE = 0.5, 30.0  # s between starts that come to nothing


#: What the process does for as long as its pipes are open, as process.main; the last argument is the factory.
Entry = Callable[[Connection, Connection, c_longlong, Any], None]


class Supervisor:
    """Keeps one inference process alive. ``post`` takes every report, on this thread; ``imports`` as birth_context."""

    def __init__(
        self,
        factory: Callable[[], object],
        post: Callable[[Report], None],
        grace: float,
        imports: Sequence[str] = (),
        entry: Entry = main,
    ) -> None:
        self._context = birth_context(imports)
        self._factory, self._entry = factory, entry
        self._post = post
        self._grace = grace  # s, that a process has to end by itself
        self._in_turn = self._context.RawValue("q", 0)
        self._messages: queue.SimpleQueue[Work | Cancel] = queue.SimpleQueue()
        self._live: queue.SimpleQueue[LiveMessage] = queue.SimpleQueue()
        self._awake, self._waker = self._context.Pipe(duplex=False)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="diffroll-worker", daemon=True)
        self._beginning = threading.Thread(target=self._begin, name="diffroll-first-worker", daemon=True)
        self._begun: tuple[BaseProcess, Connection, Connection] | None = None
        self._loaded = False  # whether the engine of the present process is
        self._failures = 0  # starts in a row that came to nothing
        self._backoff = Backoff(_FIRST_PAUSE, _LAST_PAUSE)

    def begin(self) -> None:
        """Start the first process ahead of the thread; one that cannot be started is the thread's to try again."""
        self._beginning.start()

    def start(self) -> None:
        """Start the thread and with it the process, unless that has begun."""
        self._thread.start()

    def send(self, message: Work | Cancel) -> None:
        """Send a message; it is lost while the process starts (from Died to Ready)."""
        self._messages.put(message)
        self._waker.send_bytes(b"w")

    def send_live(self, message: LiveMessage) -> None:
        """Send to the live thread, whatever work is running; the message is lost while there is no process."""
        self._live.put(message)
        self._waker.send_bytes(b"l")

    def close(self) -> None:
        """End the process, by force if it does not end by itself, and the thread. Safe to call again."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._waker.send_bytes(b"c")
        self._wait_for_beginning()
        if self._thread.is_alive():
            self._thread.join()
        elif self._begun is not None:
            self._end(*self._begun)
        self._awake.close()
        self._waker.close()

    def _begin(self) -> None:
        with _interrupts_held(), contextlib.suppress(Exception):
            self._begun = self._spawn()

    def _wait_for_beginning(self) -> None:
        if self._beginning.is_alive():
            self._beginning.join()

    def _supervise(self) -> None:
        with _interrupts_held():
            self._keep_alive()

    def _keep_alive(self) -> None:
        self._wait_for_beginning()
        while not self._closing.is_set():
            try:
                process, connection, live = self._begun or self._spawn()
                self._begun = None
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
        args = (theirs, their_live, self._in_turn, self._factory)
        process = self._context.Process(target=self._entry, args=args, name="diffroll-engine", daemon=True)
        self._loaded, self._in_turn.value = False, 0
        process.start()
        theirs.close()  # so that ours reads the end when the process is gone
        their_live.close()
        return process, ours, our_live

    def _exchange(self, connection: Connection, live: Connection) -> None:
        """Send work and receive events until the process is gone or the daemon closes."""
        sender = WorkSender(connection)
        while not self._closing.is_set():
            try:
                self._send_live(live)
                self._send_work(sender)
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

    def _send_work(self, sender: WorkSender) -> None:
        while not self._messages.empty():
            message = self._messages.get_nowait()
            if self._loaded:
                sender.send(message)

    def _receive(self, event: Report) -> None:
        if isinstance(event, Ready):
            self._loaded, self._failures = True, 0
            self._backoff.reset()
        elif isinstance(event, StartFailed):
            self._failures += 1
            event = StartFailed(event.error, self._failures)
        self._post(event)

    def _report_death(self, exit_code: int | None) -> None:
        if self._loaded:
            logger.error("the inference process %s; starting it again", describe_exit(exit_code))
            self._post(Died(exit_code, self._in_turn.value or None))
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


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back from this thread, and from the processes that it starts until they are ready for one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
