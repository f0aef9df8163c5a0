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
from typing import TypeVar

from diffroll_live.errors import Cancelled, DiffrollError, InternalError
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.picture_types import Estimate
from diffroll_live.types import Engine, StreamedNote
from diffroll_live.worker.desk import Desk, Send
from diffroll_live.worker.inbox import Inbox
from diffroll_live.worker.live_thread import LiveThread
from diffroll_live.worker.messages import Cancel, Ready, StartFailed
from diffroll_live.worker.priority import let_others_go_first

logger = logging.getLogger(__name__)

QUIET = 0.3  # s without a message, after which the engine prepares: what it has begun holds a request up

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IdleControl:
    """The Control of an engine that prepares for requests: it is cancelled when a message of the daemon waits."""

    inbox: Inbox

    def progress(self, step: int, steps: int) -> None:
        """Raise errors.Cancelled when there is something to do."""
        if not self.inbox.is_empty:
            raise Cancelled("Work has come.")

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Keep notes from everybody."""

    def estimate(self, estimate: Estimate) -> None:
        """Keep estimates from everybody."""

    def grid(self, meter: MeterMap) -> None:
        """Keep the grid from everybody."""


def main(connection: Connection, live: Connection, in_turn: c_longlong, factory: Callable[[], Engine]) -> None:
    """Make the engine, which warms itself, and work until the pipe closes. Entry point of the process.

    ``live`` is the pipe of the live thread. ``in_turn`` is shared: the serial of the work that is computed, or 0.
    """
    leave_interrupts_to_the_daemon()
    inbox, live_thread = Inbox(), LiveThread(live)
    live_thread.start()  # at normal priority, which this thread and those that the engine starts have no longer
    inbox.listen(connection)
    let_others_go_first()
    try:
        engine = make_engine(connection, factory)
        if engine is None:
            return
        live_thread.serve(engine)
        connection.send(Ready(engine.info))
        work_on(engine, connection.send, inbox, in_turn)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        logger.debug("the daemon has closed the pipe")


def work_on(engine: Engine, send: Send, inbox: Inbox, in_turn: c_longlong) -> None:
    """Answer what comes into an inbox, in turns, for ever. Raises EOFError at its end, when the daemon is gone."""
    desk = Desk(engine, send)
    while True:
        if desk.is_empty and inbox.stays_empty(QUIET):
            _tune(engine, inbox)
        while desk.is_empty or not inbox.is_empty:
            message = inbox.take()
            if isinstance(message, Cancel):
                desk.cancel(message.serial)
            else:
                desk.put(message)
        in_turn.value = desk.next()
        desk.turn(in_turn.value)
        in_turn.value = 0


def leave_interrupts_to_the_daemon() -> None:
    """Ignore Ctrl-C, which reaches all processes of a terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # the daemon held the signal back until this point
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def make_engine(connection: Connection, factory: Callable[[], T]) -> T | None:
    """Make an engine, or what stands for one; None where that has failed, which the daemon has been told."""
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


def _tune(engine: Engine, inbox: Inbox) -> None:
    """Have the engine prepare for what may come until there is nothing to prepare, or a message of the daemon."""
    control = IdleControl(inbox)
    try:
        while inbox.is_empty and engine.tune(control):
            pass
    except Cancelled:
        logger.debug("the daemon has sent something before the engine was prepared for it")
    except Exception:
        logger.exception("the engine could not prepare for requests")
