"""WebSockets of pages. A page keeps its session over a reload: the same client, with its buffers and jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re

from starlette.websockets import WebSocket, WebSocketDisconnect

from diffroll_live.errors import DiffrollError
from diffroll_live.panel.guard import SUBPROTOCOL
from diffroll_live.panel.outbox import PanelOutbox
from diffroll_live.server.clients import Client
from diffroll_live.server.endpoints.attached import Attachment
from diffroll_live.server.endpoints.spool import read_line

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 16
MAX_FRAME = 1 << 16  # bytes of a text frame
_SESSION = re.compile(r"[0-9a-f]{16}")
_DATAGRAM = 65_507  # bytes; a page takes replies of any size
_MOVED, _FULL, _MALFORMED, _ENDED = 4001, 4008, 4400, 1001  # why a connection is closed


class Connections:
    """Serves each connection to its end."""

    def __init__(self, daemon: Attachment) -> None:
        self._daemon = daemon
        self._open = 0

    def client(self, session: str) -> Client | None:
        """Find the client of a session."""
        return self._daemon.clients.find(f"panel:{session}")

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection; the newest one of a session takes over from an older one."""
        await socket.accept(SUBPROTOCOL)
        session = socket.query_params.get("session", "")
        if self._open >= MAX_CONNECTIONS:
            await socket.close(_FULL, f"{MAX_CONNECTIONS} panels are open; close one.")
            return
        if not _SESSION.fullmatch(session):
            await socket.close(_MALFORMED, "A session is 16 hexadecimal digits.")
            return
        self._open += 1
        try:
            await self._serve(socket, session)
        except DiffrollError as error:
            await socket.close(_FULL, error.text[:100])
        finally:
            self._open -= 1

    async def _serve(self, socket: WebSocket, session: str) -> None:
        client = self.client(session) or self._daemon.clients.admit(f"panel:{session}", PanelOutbox())
        client.max_datagram = _DATAGRAM
        outbox = client.outbox
        assert isinstance(outbox, PanelOutbox)
        number = outbox.attach()
        reading = asyncio.ensure_future(self._read(socket, session))
        writing = asyncio.ensure_future(_write(socket, outbox, number))
        try:
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            outbox.detach(number)
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it is closed already
            await socket.close(_MOVED if number != outbox.attached else _ENDED)

    async def _read(self, socket: WebSocket, session: str) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                text = await socket.receive_text()
                client = self.client(session)
                if client is None:
                    return
                for line in text.splitlines():
                    self._take(client, line)
                await asyncio.sleep(0)  # others get a turn even when this page sends without a pause

    def _take(self, client: Client, line: str) -> None:
        try:
            self._daemon.take(client, (read_line(line.encode()),))
        except DiffrollError as error:
            client.send_error("packet", error)


async def _write(socket: WebSocket, outbox: PanelOutbox, number: int) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while (frame := await outbox.next(number)) is not None:
            if isinstance(frame, str):
                await socket.send_text(frame)
            else:
                await socket.send_bytes(frame)
