"""The inference process: it alone makes an engine, and runs whatever work comes through its pipe.

It ends when its pipe closes, so that nothing is left behind by a daemon that was killed, and it leaves Ctrl-C to
the daemon.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Sequence
from ctypes import c_longlong
from dataclasses import dataclass
from multiprocessing.connection import Connection

from diffroll_live.errors import Cancelled, DiffrollError, InternalError
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.types import Control, Engine, Result, StreamedNote
from diffroll_live.worker.live_thread import LiveThread
from diffroll_live.worker.messages import (
    Event,
    Failed,
    Finished,
    Gridded,
    Noted,
    Progressed,
    Ready,
    Redecode,
    Started,
    StartFailed,
    Work,
)
from diffroll_live.worker.pipe import WorkReceiver
from diffroll_live.worker.priority import let_others_go_first

logger = logging.getLogger(__name__)

_NOTES_AT_ONCE = 128


@dataclass(slots=True)
class PipeControl:
    """The Control of one piece of work: sends over the pipe, and looks at the shared value for a cancel."""

    connection: Connection
    cancelled: c_longlong
    serial: int

    def progress(self, step: int, steps: int) -> None:
        """Report an evaluation. Raises errors.Cancelled when the daemon has asked for it."""
        if self.cancelled.value == self.serial:
            raise Cancelled("The job was cancelled.")
        self.connection.send(Progressed(self.serial, step, steps))

    def grid(self, meter: MeterMap) -> None:
        """Report the bars and beats that are written on."""
        self.connection.send(Gridded(self.serial, meter))

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Send notes that are certain, a few at a time so that the daemon has time for others in between."""
        for first in range(0, len(notes), _NOTES_AT_ONCE):
            self.connection.send(Noted(self.serial, tuple(notes[first : first + _NOTES_AT_ONCE])))


@dataclass(frozen=True, slots=True)
class IdleControl:
    """The Control of an engine that prepares for requests: it is cancelled when a message of the daemon waits."""

    connection: Connection

    def progress(self, step: int, steps: int) -> None:
        """Raise errors.Cancelled when there is something to do."""
        if self.connection.poll():
            raise Cancelled("Work has come.")

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Keep notes from everybody."""

    def grid(self, meter: MeterMap) -> None:
        """Keep the grid from everybody."""


def main(connection: Connection, live: Connection, cancelled: c_longlong, factory: Callable[[], Engine]) -> None:
    """Make the engine, which warms itself, and work until the pipe closes. Entry point of the process.

    ``live`` is the pipe of the live thread.
    """
    _leave_interrupts_to_the_daemon()
    receiver = WorkReceiver(connection)
    live_thread = LiveThread(live)
    live_thread.start()  # at normal priority, which this thread and those that the engine starts have no longer
    let_others_go_first()
    try:
        engine = _make_engine(connection, factory)
        if engine is None:
            return
        live_thread.serve(engine)
        connection.send(Ready(engine.info))
        while True:
            _tune(engine, connection)
            _perform(engine, receiver.receive(), connection, cancelled)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        logger.debug("the daemon has closed the pipe")


def _leave_interrupts_to_the_daemon() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # the daemon held the signal back until this point
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _make_engine(connection: Connection, factory: Callable[[], Engine]) -> Engine | None:
    try:
        return factory()
    except DiffrollError as error:
        connection.send(StartFailed(error))
    except Exception as error:
        logger.exception("the engine could not be made")
        connection.send(
            StartFailed(InternalError(f"The model could not be loaded ({error}); the log has the details."))
        )
    return None


def _tune(engine: Engine, connection: Connection) -> None:
    """Have the engine prepare for what may come until there is nothing to prepare, or a message of the daemon."""
    control = IdleControl(connection)
    try:
        while not connection.poll() and engine.tune(control):
            pass
    except (Cancelled, OSError):
        logger.debug("the daemon has sent something before the engine was prepared for it")
    except Exception:
        logger.exception("the engine could not prepare for requests")


def _perform(engine: Engine, work: Work, connection: Connection, cancelled: c_longlong) -> None:
    control = PipeControl(connection, cancelled, work.serial)
    connection.send(Started(work.serial))
    try:
        event: Event = Finished(work.serial, _answer(engine, work, control))
    except DiffrollError as error:
        event = Failed(work.serial, error)
    except Exception as error:
        logger.exception("work %d failed", work.serial)
        event = Failed(
            work.serial, InternalError(f"The engine failed ({error}); the log of the daemon has the details.")
        )
    connection.send(event)


def _answer(engine: Engine, work: Work, control: Control) -> Result:
    if isinstance(work, Redecode):
        return engine.redecode(work.request_id, work.threshold, work.min_note)
    return engine.run(work.plan, control)
