"""What was sent to whoever has a desk, received on a thread of its own where it comes through a pipe.

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
    """Messages in the order in which they came; their end is one of them."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[Work | Cancel | None] = queue.SimpleQueue()
        self._came = threading.Event()

    def listen(self, connection: Connection) -> None:
        """Put in what comes through a pipe, from a thread that ends with it."""
        args = (WorkReceiver(connection),)
        threading.Thread(target=self._run, args=args, name="diffroll-inbox", daemon=True).start()

    def put(self, message: Work | Cancel | None) -> None:
        """Put in a message; None is the end."""
        self._messages.put(message)
        self._came.set()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be taken."""
        return self._messages.empty()

    def stays_empty(self, seconds: float) -> bool:
        """Wait that long; False at once when there is something to take."""
        self._came.clear()
        return self.is_empty and not self._came.wait(seconds)

    def take(self) -> Work | Cancel:
        """Wait for a message. Raises EOFError at the end, when the daemon is gone."""
        message = self._messages.get()
        if message is None:
            self._messages.put(None)
            raise EOFError
        return message

    def _run(self, receiver: WorkReceiver) -> None:
        try:
            while True:
                self.put(receiver.receive())
        except (EOFError, OSError):
            logger.debug("the daemon has closed the pipe")
        except Exception:
            logger.exception("a message of the daemon cannot be read")
        self.put(None)
