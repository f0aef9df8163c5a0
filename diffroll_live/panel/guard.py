"""Who may talk to the panel: pages that it served itself, under its own address, with the token of this start.

A page elsewhere on the web can make a browser send requests here, and can even make its own name resolve to this
machine. Host and Origin tell those requests apart; the token keeps out other users and programs of the machine.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from diffroll_live.web.visitors import names_of

SUBPROTOCOL = "diffroll"  # a WebSocket offers it, and "token.TOKEN"

_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """The names under which the panel is reached, with port, and the token of this start."""

    hosts: frozenset[str]
    token: str

    @classmethod
    def of(cls, host: str, port: int, token: str) -> Credentials:
        """Accept the host that is listened on, and every name of this machine's loopback where that is one."""
        return cls(names_of(host, port), token)

    def admits(self, headers: Headers) -> bool:
        """Return whether a request comes from a page of the panel, or from no page at all."""
        host, origin = headers.get("host", ""), headers.get("origin")
        return host in self.hosts and origin in {None, f"http://{host}"}

    def knows(self, tokens: Iterable[str]) -> bool:
        """Return whether one of the tokens is right, in a time that does not tell how much of it is."""
        return any(hmac.compare_digest(token.encode(), self.token.encode()) for token in tokens)


class Guard:
    """Refuses what may not come in before the app sees it.

    To get one of ``open_paths`` takes no token; nor does what lies below ``keyed``, whose addresses cannot be guessed.
    """

    def __init__(self, app: ASGIApp, credentials: Credentials, open_paths: frozenset[str], keyed: str) -> None:
        self._app = app
        self._credentials = credentials
        self._open_paths = open_paths
        self._keyed = keyed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        if self._allows(scope):
            await self._app(scope, receive, _sealed(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})  # before the handshake: the answer is 403
        else:
            refusal = JSONResponse({"text": "Open the address that diffroll-live serve printed."}, status_code=403)
            await refusal(scope, receive, _sealed(send))

    def _allows(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if not self._credentials.admits(headers):
            return False
        if scope["type"] == "websocket":
            offered = [item.strip() for item in headers.get("sec-websocket-protocol", "").split(",")]
            tokens = [item.removeprefix("token.") for item in offered if item.startswith("token.")]
            return headers.get("origin") is not None and self._credentials.knows(tokens)
        path: str = scope["path"]
        if scope["method"] == "GET" and (path in self._open_paths or path.startswith(self._keyed)):
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return scheme == "Bearer" and self._credentials.knows([token])


def _sealed(send: Send) -> Send:
    """Add the headers that every answer has."""

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", ()), *extra]}
        await send(message)

    return add
