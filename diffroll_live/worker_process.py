"""The inference process: what travels over its pipe, and the loop that it runs. It alone makes an engine.

It ends when its pipe closes, so that nothing is left behind by a daemon that was killed, and it leaves Ctrl-C to
the daemon.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Sequence
from ctypes import c_longlong
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from diffroll_live.errors import Cancelled, DiffrollError, InternalError
from diffroll_live.types import AudioBuffer, Control, Engine, ModelInfo, Options, Request, Result, StreamedNote

logger = logging.getLogger(__name__)

_WARM_UP_SECONDS = 2.0
_WARM_UP_RATE = 16_000  # Hz


@dataclass(frozen=True, slots=True)
class Run:
    """Answer a request. ``serial`` names this piece of work in every event about it."""

    serial: int
    request: Request


@dataclass(frozen=True, slots=True)
class Redecode:
    """Decode a finished request again."""

    serial: int
    request_id: str
    threshold: float
    min_note: float  # s


Work = Run | Redecode


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine is loaded and warm."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The engine could not be made, for the ``attempt``-th time in a row."""

    error: DiffrollError
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Died:
    """The process ended by itself. ``serial`` is the work that it took along."""

    exit_code: int | None
    serial: int | None


@dataclass(frozen=True, slots=True)
class Started:
    """A piece of work has begun."""

    serial: int


@dataclass(frozen=True, slots=True)
class Progressed:
    """``step`` of ``steps`` network evaluations are done."""

    serial: int
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Noted:
    """Notes that are certain."""

    serial: int
    notes: tuple[StreamedNote, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """A piece of work is done."""

    serial: int
    result: Result


@dataclass(frozen=True, slots=True)
class Failed:
    """A piece of work ended without a result; errors.Cancelled when that was asked for."""

    serial: int
    error: DiffrollError = field(default_factory=lambda: Cancelled("The job was cancelled."))


Event = Ready | StartFailed | Died | Started | Progressed | Noted | Finished | Failed


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

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Send notes that are certain."""
        if notes:
            self.connection.send(Noted(self.serial, tuple(notes)))


@dataclass(slots=True)
class _NoControl:
    def progress(self, step: int, steps: int) -> None:
        """Take no note of it: this is the warm-up."""

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Take no note of them."""


def main(connection: Connection, cancelled: c_longlong, factory: Callable[[], Engine]) -> None:
    """Make the engine, warm it and work until the pipe closes. Entry point of the process."""
    _leave_interrupts_to_the_daemon()
    try:
        engine = _make_engine(connection, factory)
        while engine is not None:
            _perform(engine, connection.recv(), connection, cancelled)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        logger.debug("the daemon has closed the pipe")


def _leave_interrupts_to_the_daemon() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # the daemon held the signal back until this point
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _make_engine(connection: Connection, factory: Callable[[], Engine]) -> Engine | None:
    try:
        engine = factory()
        engine.run(_warm_up_request(), _NoControl())
    except DiffrollError as error:
        connection.send(StartFailed(error))
    except Exception as error:
        logger.exception("the engine could not be made")
        connection.send(
            StartFailed(InternalError(f"The model could not be loaded ({error}); the log has the details."))
        )
    else:
        connection.send(Ready(engine.info))
        return engine
    return None


def _warm_up_request() -> Request:
    """Make a request that takes every path of a real one: noise, since silence may be passed over."""
    noise = np.random.default_rng(0).normal(0.0, 0.1, int(_WARM_UP_SECONDS * _WARM_UP_RATE)).astype(np.float32)
    return Request("warm-up", "transcribe", AudioBuffer("warm-up", noise, _WARM_UP_RATE), options=Options("draft"))


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
    return engine.run(work.request, control)


def describe_exit(exit_code: int | None) -> str:
    """Say in words how the process ended."""
    if exit_code is not None and exit_code < 0:
        name: Any = -exit_code
        if -exit_code in signal.valid_signals():
            name = signal.Signals(-exit_code).name
        hint = "; the system may have run out of memory" if exit_code == -9 else ""
        return f"ended by {name}{hint}"
    return f"ended with code {exit_code}"
