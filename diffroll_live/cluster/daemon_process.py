"""The inference process of a daemon that computes on a cluster: it passes work on, and transcribes live input itself.

It ends when the cluster is gone, and is started again by the daemon, which then gives it all its work anew.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from ctypes import c_longlong
from multiprocessing.connection import Connection

from diffroll_live.cluster.link import ClusterEngine
from diffroll_live.live_types import LiveTranscriber
from diffroll_live.types import Engine
from diffroll_live.worker.inbox import Inbox
from diffroll_live.worker.live_thread import LiveThread
from diffroll_live.worker.messages import Cancel, Ready, Report
from diffroll_live.worker.process import leave_interrupts_to_the_daemon, make_engine

logger = logging.getLogger(__name__)

LOST = 3  # the exit code when the cluster is gone


class LocalStreams:
    """Transcribes live input with an engine of this process, loaded when the first input is opened."""

    def __init__(self, factory: Callable[[], Engine]) -> None:
        self._factory = factory
        self._engine: Engine | None = None

    def open_stream(self, rate: int) -> LiveTranscriber:
        """Open a live input; see types.Engine."""
        if self._engine is None:
            self._engine = self._factory()
        return self._engine.open_stream(rate)


def main(connection: Connection, live: Connection, _in_turn: c_longlong, factory: ClusterEngine) -> None:
    """Link to the cluster, and pass on what comes until the pipe closes; see worker.process.main."""
    leave_interrupts_to_the_daemon()
    inbox, live_thread = Inbox(), LiveThread(live)
    live_thread.start()
    inbox.listen(connection)
    sending = threading.Lock()

    def send(report: Report) -> None:
        with sending:
            connection.send(report)

    try:
        link = make_engine(connection, factory)
        if link is None:
            return
        live_thread.serve(LocalStreams(factory.local))
        send(Ready(link.info))
        link.start(send, _leave)
        while True:
            message = inbox.take()
            if isinstance(message, Cancel):
                link.cancel(message.serial)
            else:
                link.put(message)
    except (EOFError, OSError):
        logger.debug("the daemon has closed the pipe")
    finally:
        os._exit(0)  # Ray's threads would wait for a cluster that may be gone


def _leave(error: Exception) -> None:
    """End the process at once, whatever its threads wait for."""
    logger.error("%s", error)
    os._exit(LOST)
