"""The live thread of the inference process: it runs next to the thread that works on jobs, with a pipe of its own.

On a CPU one network evaluation of a job takes longer than the time between two hops, so it would not be enough to yield
between evaluations. A thread is enough: torch releases the interpreter lock while it computes, and the system prefers a
thread that has slept for a hop to one that has computed all along. It computes on one core, so that it never waits for
another core that a job is using. The daemon sends an input's next hop only after the last one was answered, so nothing
queues.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from multiprocessing.connection import Connection

from diffroll_live.errors import DiffrollError, InternalError
from diffroll_live.live_types import LiveTranscriber, StreamOpener
from diffroll_live.worker.messages import LiveEstimated, LiveFailed, LiveFeed, LiveMessage, LiveOpen

logger = logging.getLogger(__name__)


class LiveThread:
    """Transcribes live inputs with an engine, on a thread that ends with the pipe.

    It can be started before there is an engine, so as to keep the priority that its starter has then.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._engines: queue.SimpleQueue[StreamOpener] = queue.SimpleQueue()
        self._transcribers: dict[int, LiveTranscriber] = {}

    def start(self) -> None:
        """Start the thread; it waits for ``serve``."""
        threading.Thread(target=self._run, name="diffroll-live-input", daemon=True).start()

    def serve(self, engine: StreamOpener) -> None:
        """Have the thread transcribe with an engine."""
        self._engines.put(engine)

    def _run(self) -> None:
        engine = self._engines.get()
        while True:
            try:
                self._answer(engine, self._connection.recv())
            except (EOFError, OSError):
                logger.debug("the daemon has closed the live pipe")
                return
            except Exception:
                logger.exception("a message of the daemon about a live input cannot be read")

    def _answer(self, engine: StreamOpener, message: LiveMessage) -> None:
        try:
            if isinstance(message, LiveFeed):
                self._feed(message)
            elif isinstance(message, LiveOpen):
                self._transcribers[message.session] = engine.open_stream(message.rate)
            else:
                self._transcribers.pop(message.session, None)
        except DiffrollError as error:
            self._fail(message.session, error)
        except Exception as error:
            logger.exception("live input %d cannot be transcribed", message.session)
            text = f"The engine failed on live input ({error}); the log of the daemon has the details."
            self._fail(message.session, InternalError(text))

    def _feed(self, message: LiveFeed) -> None:
        transcriber = self._transcribers.get(message.session)
        if transcriber is None:
            return  # it has failed and said so
        begin = time.perf_counter()
        estimate = transcriber.update(message.first, message.samples)
        self._connection.send(LiveEstimated(message.session, estimate, time.perf_counter() - begin))

    def _fail(self, session: int, error: DiffrollError) -> None:
        self._transcribers.pop(session, None)
        self._connection.send(LiveFailed(session, error))
