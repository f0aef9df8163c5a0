"""The panel as a part of a running daemon: its port, its address, and the web server on the daemon's loop."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute

from diffroll_live.panel.connections import MAX_FRAME, Connections
from diffroll_live.panel.folder import PanelFolder
from diffroll_live.panel.guard import Credentials, Guard
from diffroll_live.panel.transfers import Transfers, spoken
from diffroll_live.server.endpoints.attached import Attachment
from diffroll_live.web.server import bind as bind_port
from diffroll_live.web.server import serving

DIST = Path(__file__).parent / "web" / "dist"
_PAGE = {"/": "index.html", "/panel.js": "panel.js", "/panel.css": "panel.css", "/icon.svg": "icon.svg"}
_MAX_CONNECTIONS = 64  # open at once, pages and requests


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel that is to be served on a bound socket; ``open`` is given to ``server.serve``."""

    socket: socket.socket
    host: str
    folder: PanelFolder
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def address(self) -> str:
        """What a person opens in a browser; the token stays in the browser, as a fragment is never sent."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.socket.getsockname()[1]}/#{self.token}"

    @asynccontextmanager
    async def open(self, daemon: Attachment) -> AsyncIterator[None]:
        """Serve the pages until the daemon ends."""
        connections = Connections(daemon)
        credentials = Credentials.of(self.host, self.socket.getsockname()[1], self.token)
        routes = _routes(Transfers(self.folder, connections), connections)
        app = Guard(Starlette(routes=routes), credentials, frozenset(_PAGE), "/midi/")
        async with serving(app, self.socket, _MAX_CONNECTIONS, ws_max_size=MAX_FRAME):
            yield


def bind(host: str, port: int) -> socket.socket:
    """Open the panel's port. Raises errors.PortError."""
    return bind_port(host, port, "The panel's", "--panel")


def _routes(transfers: Transfers, connections: Connections) -> list[BaseRoute]:
    def page(name: str) -> Route:
        async def send(_: object) -> FileResponse:
            return FileResponse(DIST / _PAGE[name])

        return Route(name, send)

    return [
        *(page(name) for name in _PAGE),
        Route("/audio", spoken(transfers.upload), methods=["POST"]),
        Route("/audio", spoken(transfers.download), methods=["GET"]),
        Route("/clip", spoken(transfers.clip), methods=["POST"]),
        Route("/midi/read", spoken(transfers.read_midi), methods=["POST"]),
        Route("/midi", spoken(transfers.new_midi), methods=["POST"]),
        Route("/midi/{key}", spoken(transfers.fetch_midi), methods=["GET"]),
        WebSocketRoute("/messages", connections.serve),
    ]
