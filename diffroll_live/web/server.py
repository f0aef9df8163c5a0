"""Uvicorn as a part of the daemon: on its loop, on a port that is bound before, with signals left alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from diffroll_live.errors import PortError

_CLOSING_SECONDS = 1  # that requests are given to finish
_ACCEPTED_AT_ONCE = 32  # connections in a turn of the loop


class _Connection(H11Protocol):
    """Hangs up when there are enough: uvicorn counts requests, but an idle connection takes a file of the daemon."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the connection, or end it."""
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency:
            transport.abort()


class _Server(uvicorn.Server):
    """Leaves signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        with contextlib.nullcontext():
            yield


def bind(host: str, port: int, whose: str, option: str) -> socket.socket:
    """Open a port. Raises errors.PortError, which names ``whose`` port it is, and the option that chooses another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere the option lets two programs share a port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen()
    except OSError as error:
        bound.close()
        raise PortError(
            f"{whose} port {port} on {host} cannot be opened ({error.strerror}); choose another with {option}."
        ) from error
    return bound


@asynccontextmanager
async def serving(app: Any, bound: socket.socket, connections: int, **more: Any) -> AsyncIterator[None]:
    """Serve an ASGI app on a bound socket until the end, with so many connections at once; ``more`` is uvicorn's."""
    config = uvicorn.Config(
        app,
        http=_Connection,
        backlog=_ACCEPTED_AT_ONCE,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        limit_concurrency=connections,
        timeout_graceful_shutdown=_CLOSING_SECONDS,
        ws="websockets-sansio",
        **more,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve([bound]))
    try:
        yield
    finally:
        server.should_exit = True
        await running
