"""What the daemon has sent to the inference process, received on a thread of its own.

While the process computes, the daemon can send more, audio too, and never waits for a pipe that is full.
"""

from __future__ import annotations

import logging
import queue
import threading
from multiprocessing.connection import Connection

from diffroll_live.worker.messages import Cancel, Work
from diffroll_live.worker.pipe import WorkReceiver

logger = logging.getLogger(__name__)


class Inbox:
    """Messages in the order in which they came; the end of the pipe is one of them."""

    def __init__(self, connection: Connection) -> None:
        self._receiver = WorkReceiver(connection)
        self._messages: queue.SimpleQueue[Work | Cancel | None] = queue.SimpleQueue()
        self._came = threading.Event()

    def start(self) -> None:
        """Start the thread, which ends with the pipe."""
        threading.Thread(target=self._run, name="diffroll-inbox", daemon=True).start()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be taken."""
        return self._messages.empty()

    def stays_empty(self, seconds: float) -> bool:
        """Wait that long; False at once when there is something to take."""
        self._came.clear()
        return self.is_empty and not self._came.wait(seconds)

    def take(self) -> Work | Cancel:
        """Wait for a message. Raises EOFError when the daemon is gone."""
        message = self._messages.get()
        if message is None:
            self._messages.put(None)
            raise EOFError
        return message

    def _run(self) -> None:
        try:
            while True:
                self._put(self._receiver.receive())
        except (EOFError, OSError):
            logger.debug("the daemon has closed the pipe")
        except Exception:
            logger.exception("a message of the daemon cannot be read")
        self._put(None)

    def _put(self, message: Work | Cancel | None) -> None:
        self._messages.put(message)
        self._came.set()
