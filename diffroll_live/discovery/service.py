"""OSCQuery over HTTP and WebSocket, and its announcement by mDNS, on the daemon's loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from diffroll_live.discovery.announcement import Place, announced
from diffroll_live.discovery.tree import LIVE, find, tree
from diffroll_live.discovery.values import live_values, with_values
from diffroll_live.osc.server_codec import write_reply
from diffroll_live.server.endpoints.attached import Attachment
from diffroll_live.web.server import serving
from diffroll_live.web.visitors import OnlyHere

LOOK_SECONDS = 0.1  # between two looks at what listeners listen to
_MAX_CONNECTIONS = 32
_MAX_LISTENERS = 16
_MAX_FRAME = 1 << 12  # bytes of a command
_ATTRIBUTES = frozenset({"FULL_PATH", "CONTENTS", "ACCESS", "TYPE", "RANGE", "DESCRIPTION", "VALUE", "OVERLOADS"})
_EXTENSIONS = dict.fromkeys(("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "OVERLOADS", "LISTEN"), True)
_FULL = 1013  # why a WebSocket is closed: try again later


@dataclass(frozen=True, slots=True)
class Discovery:
    """OSCQuery that is to be served on a bound socket, and announced under a name; ``open`` is as the panel's."""

    socket: socket.socket
    host: str
    name: str
    beyond: bool  # this machine

    @asynccontextmanager
    async def open(self, daemon: Attachment) -> AsyncIterator[None]:
        """Serve and announce until the daemon ends."""
        port = self.socket.getsockname()[1]
        query = _Query(daemon, self.name, self.host)
        app = Starlette(routes=[Route("/{path:path}", query.answer), WebSocketRoute("/{path:path}", query.listen)])
        place = Place(self.name, self.host, daemon.port, port, beyond=self.beyond)
        async with (
            serving(OnlyHere(app, self.host, port), self.socket, _MAX_CONNECTIONS, ws_max_size=_MAX_FRAME),
            announced(place),
        ):
            yield


class _Query:
    """Answers questions about addresses, and sends the values that somebody listens to."""

    def __init__(self, daemon: Attachment, name: str, host: str) -> None:
        self._daemon, self._name, self._host = daemon, name, host
        self._tree = tree()
        self._listeners = 0

    async def answer(self, request: Request) -> Response:
        """Answer one question: a node with all below it, one attribute of a node, or HOST_INFO."""
        wanted = next(iter(request.query_params), "")
        if wanted == "HOST_INFO":
            return JSONResponse(self._host_info())
        node = find(self._tree, request.url.path)
        if node is None:
            return Response("There is no such address.", 404, media_type="text/plain")
        whole = with_values(node, live_values(self._daemon.report()))
        if not wanted:
            return JSONResponse(whole)
        if wanted not in _ATTRIBUTES:
            return Response(f"There is no such attribute; ask for {', '.join(sorted(_ATTRIBUTES))}.", 400)
        return JSONResponse({wanted: whole[wanted]}) if wanted in whole else Response(status_code=204)

    def _host_info(self) -> dict[str, Any]:
        port = self._daemon.port
        return {
            "NAME": self._name,
            "OSC_IP": self._host,
            "OSC_PORT": port,
            "OSC_TRANSPORT": "UDP",
            "EXTENSIONS": _EXTENSIONS,
        }

    async def listen(self, connection: WebSocket) -> None:
        """Serve a listener: OSC packets of the values that it listens to, whenever one changes."""
        await connection.accept()
        if self._listeners >= _MAX_LISTENERS:
            await connection.close(_FULL)
            return
        self._listeners += 1
        heard: dict[str, Any] = {}
        sending = asyncio.ensure_future(self._send(connection, heard))
        try:
            with contextlib.suppress(WebSocketDisconnect):
                while True:
                    _obey(await connection.receive_text(), heard)
        finally:
            self._listeners -= 1
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, connection: WebSocket, heard: dict[str, Any]) -> None:
        while True:
            values = live_values(self._daemon.report()) if heard else {}
            for address in list(heard):
                if heard[address] != values[address]:
                    heard[address] = values[address]
                    await connection.send_bytes(write_reply(values[address])[0])
            await asyncio.sleep(LOOK_SECONDS)


def _obey(text: str, heard: dict[str, Any]) -> None:
    """Carry out a command; one that cannot be understood, or about what has no value, is ignored, as is the custom."""
    with contextlib.suppress(ValueError, RecursionError):
        command = json.loads(text)
        if isinstance(command, dict) and command.get("DATA") in LIVE:
            if command.get("COMMAND") == "LISTEN":
                heard[command["DATA"]] = None
            elif command.get("COMMAND") == "IGNORE":
                heard.pop(command["DATA"], None)
