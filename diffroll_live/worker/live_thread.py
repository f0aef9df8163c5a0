"""The live lane of the inference process: a thread beside the one that works on jobs, with a pipe of its own.

An evaluation of a job takes longer on a CPU than the time between two hops, so yielding between evaluations is not
enough there. A thread is: torch holds no interpreter lock while it computes, and the system lets whoever has slept
for a hop go before whoever has computed all along. It computes on one core, so that it never waits for another one
that a job is using. Only ever one hop of an input is under way (the daemon sees to that), so nothing queues.
"""

from __future__ import annotations

import logging
import threading
import time
from multiprocessing.connection import Connection

from diffroll_live.errors import DiffrollError, InternalError
from diffroll_live.live_types import LiveTranscriber
from diffroll_live.types import Engine
from diffroll_live.worker.messages import LiveFailed, LiveFeed, LiveHeard, LiveMessage, LiveOpen

logger = logging.getLogger(__name__)


class LiveThread:
    """Serves live inputs with the ears of an engine, on a thread that ends with the pipe."""

    def __init__(self, connection: Connection, engine: Engine) -> None:
        self._connection, self._engine = connection, engine
        self._ears: dict[int, LiveTranscriber] = {}

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._serve, name="diffroll-live-lane", daemon=True).start()

    def _serve(self) -> None:
        try:
            while True:
                self._answer(self._connection.recv())
        except (EOFError, OSError):
            logger.debug("the daemon has closed the live pipe")

    def _answer(self, message: LiveMessage) -> None:
        try:
            if isinstance(message, LiveFeed):
                self._feed(message)
            elif isinstance(message, LiveOpen):
                self._ears[message.session] = self._engine.listen(message.rate)
            else:
                self._ears.pop(message.session, None)
        except DiffrollError as error:
            self._fail(message.session, error)
        except Exception as error:
            logger.exception("live input %d cannot be heard", message.session)
            text = f"The engine failed on live input ({error}); the log of the daemon has the details."
            self._fail(message.session, InternalError(text))

    def _feed(self, message: LiveFeed) -> None:
        ear = self._ears.get(message.session)
        if ear is None:
            return  # it failed, which was told
        begin = time.perf_counter()
        belief = ear.hear(message.first, message.samples)
        self._connection.send(LiveHeard(message.session, belief, time.perf_counter() - begin))

    def _fail(self, session: int, error: DiffrollError) -> None:
        self._ears.pop(session, None)
        self._connection.send(LiveFailed(session, error))
