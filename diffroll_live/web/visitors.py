"""Who may ask: programs of this machine, and pages under their own address.

A page elsewhere on the web can make a browser send requests here, and can even make its own name resolve to this
machine. The header Host tells those requests apart.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def names_of(host: str, port: int) -> frozenset[str]:
    """The names, with port, under which a host is reached: every name of the loopback where it is that."""
    names = _LOOPBACK if host in LOOPBACK else (f"[{host}]" if ":" in host else host,)
    return frozenset(f"{name}:{port}" for name in names)


class OnlyHere:
    """Refuses requests under other names than those of this machine's loopback; beyond the loopback, admits all."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._app = app
        self._names = names_of(host, port) if host in LOOPBACK else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request."""
        headers = Headers(scope=scope)
        own = self._names is None or (
            headers.get("host", "") in self._names and headers.get("origin") in {None, f"http://{headers.get('host')}"}
        )
        if own:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse("Ask under the address that the daemon gave.", 403)(scope, receive, send)
