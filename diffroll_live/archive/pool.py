"""Processes of this machine that transcribe an archive, each with an engine of its own. One that dies is replaced."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from diffroll_live.archive.items import Answer, Item, Untranscribed
from diffroll_live.archive.transcriber import Transcriber
from diffroll_live.errors import DiffrollError, InternalError
from diffroll_live.types import Engine, Options
from diffroll_live.worker.messages import Ready, StartFailed, describe_exit
from diffroll_live.worker.priority import let_others_go_first

logger = logging.getLogger(__name__)

_GRACE = 2.0  # s, that a process has to end by itself
_TRIES = 2  # of a recording with which the process dies


@dataclass(frozen=True, slots=True)
class Work:
    """What a process does; picklable."""

    factory: Callable[[], Engine]
    options: Options
    max_seconds: float


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection
    item: Item | None = None
    is_ready: bool = False


class Pool:
    """Up to ``processes`` processes; one alone where its engine computes on a device that they would share."""

    def __init__(self, work: Work, processes: int) -> None:
        self._work, self._most = work, processes
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._waiting: deque[Item] = deque()
        self._deaths: dict[str, int] = {}  # with a recording, by its name

    def answers(self, items: Iterable[Item]) -> Iterator[Answer]:
        """Transcribe recordings, in no order. Raises the engine's error when no process gets one."""
        self._waiting.extend(items)
        try:
            if self._waiting:
                self._start()
            while self._waiting or any(worker.item for worker in self._workers):
                for worker in self._woken():
                    yield from self._attend(worker)
        finally:
            self._close()

    def _woken(self) -> list[_Worker]:
        """Give work to whoever has none, and wait for news."""
        for worker in self._workers:
            if worker.is_ready and worker.item is None and self._waiting:
                worker.item = self._waiting.popleft()
                with suppress(OSError):  # it has died; the wait below says so
                    worker.connection.send(worker.item)
        news = wait([worker.connection for worker in self._workers])
        return [worker for worker in self._workers if worker.connection in news]

    def _attend(self, worker: _Worker) -> Iterator[Answer]:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._bury(worker)
            return
        if isinstance(message, StartFailed):
            raise message.error
        if isinstance(message, Ready):
            self._begin(worker, message)
        else:
            worker.item = None
            yield message

    def _begin(self, worker: _Worker, ready: Ready) -> None:
        worker.is_ready = True
        shares = len(self._workers) == 1 and not ready.info.device.startswith("cpu")
        if shares:
            self._most = 1
        while len(self._workers) < min(self._most, len(self._waiting)):
            self._start()

    def _bury(self, dead: _Worker) -> Iterator[Answer]:
        self._workers.remove(dead)
        dead.connection.close()
        dead.process.join()
        how = describe_exit(dead.process.exitcode)
        item = dead.item
        if item is None:
            if not self._workers:
                raise InternalError(f"The process {how} while it loaded the model; close other programs, or try again.")
            self._most = len(self._workers)
            logger.warning("a process %s before it could work; %d go on", how, self._most)
            return
        self._deaths[item.name] = self._deaths.get(item.name, 0) + 1
        if self._deaths[item.name] < _TRIES:
            self._waiting.append(item)
        else:
            text = f"The process that transcribed it {how}, {_TRIES} times; try it alone, or a shorter part of it."
            yield Untranscribed(item.name, InternalError.code, text)
        if self._waiting:
            self._start()

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=main, args=(theirs, self._work), name="diffroll-archive", daemon=True)
        with _interrupts_held():
            process.start()
        theirs.close()  # so that ours reads the end when the process is gone
        self._workers.append(_Worker(process, ours))

    def _close(self) -> None:
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()  # it writes no files
        for worker in self._workers:
            worker.process.join(_GRACE)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
        self._workers.clear()


def main(connection: Connection, work: Work) -> None:
    """Make an engine and transcribe what comes through the pipe until it closes. Entry point of the processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command ends its processes
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    let_others_go_first()
    try:
        engine = work.factory()
    except DiffrollError as error:
        connection.send(StartFailed(error))
        return
    transcribe = Transcriber(engine, work.options, work.max_seconds)
    with suppress(EOFError, OSError):
        connection.send(Ready(engine.info))
        while True:
            connection.send(transcribe(connection.recv()))


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C from a process that is still starting, which inherits this."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
