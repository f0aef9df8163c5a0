"""Hello, ping, status and panic. Touches neither audio nor jobs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from diffroll_live import PROTOCOL_VERSION, __version__
from diffroll_live.errors import ProtocolError
from diffroll_live.osc import messages as m
from diffroll_live.osc.replies import Panicked, Pong, Welcome
from diffroll_live.osc.status_replies import Status, StatusClient, StatusJob
from diffroll_live.server.clients import Client
from diffroll_live.server.jam.handlers import JamHandlers
from diffroll_live.server.jobs.delivery import NoteDelivery
from diffroll_live.server.jobs.runs import Runs
from diffroll_live.worker.queue import Worker

logger = logging.getLogger(__name__)

_SMALLEST_DATAGRAM = 256  # bytes; enough for a useful error
_LARGEST_DATAGRAM = 65_507


class SessionHandlers:
    """Handles the messages about the session rather than audio or notes."""

    def __init__(
        self,
        worker: Worker,
        runs: Runs,
        jams: JamHandlers,
        delivery: NoteDelivery,
        max_seconds: float,
        max_datagram: int,
    ) -> None:
        self._worker = worker
        self._runs = runs
        self._jams = jams
        self._delivery = delivery
        self._max_seconds = max_seconds  # of one buffer
        self._max_datagram = max_datagram  # bytes, unless a client allows another size
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            m.Hello: self._hello,
            m.Ping: lambda client, message: client.send(Pong(message.n)),
            m.StatusQuery: self._status,
            m.Panic: self._panic,
        }

    def _hello(self, client: Client, message: m.Hello) -> None:
        if not 0 <= message.reply_port <= 65_535:
            raise ProtocolError(
                f"{message.reply_port} is not a port; send 1 to 65535, or 0 for the port you send from."
            )
        if message.max_datagram and not _SMALLEST_DATAGRAM <= message.max_datagram <= _LARGEST_DATAGRAM:
            raise ProtocolError(f"A datagram size must be {_SMALLEST_DATAGRAM} to {_LARGEST_DATAGRAM} bytes.")
        logger.info("%s calls itself %r", client.key, message.name)
        client.name = message.name
        client.outbox.redirect(message.reply_port)
        client.max_datagram = message.max_datagram or self._max_datagram
        info = self._worker.info
        about = info.name, info.device, info.sample_rate, self._max_seconds, info.sha256
        client.send(Welcome(PROTOCOL_VERSION, __version__, *about))

    def _status(self, client: Client, _: m.StatusQuery) -> None:
        status = self._worker.status()
        job = self._runs.running_job(status.running, client)
        client.send(Status(status.state, status.queued, job, status.load))
        for key, share in status.clients.items():
            client.send(StatusClient(key, share.waiting, share.running, share.share, share.wait))
        for item in client.jobs:
            client.send(StatusJob(item.name, item.task, item.state, item.progress))

    def _panic(self, client: Client, _: m.Panic) -> None:
        self._runs.mute()
        self._jams.listen()
        self._delivery.panic(lambda: client.send(Panicked()))
