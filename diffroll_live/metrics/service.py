"""``/metrics`` on a port of its own, served on the daemon's loop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from diffroll_live.bench.memory import resident
from diffroll_live.metrics.families import families
from diffroll_live.server.endpoints.attached import Attachment
from diffroll_live.web.server import serving
from diffroll_live.web.visitors import OnlyHere

_MAX_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metrics that are to be served on a bound socket; ``open`` is given to ``server.serve``."""

    socket: socket.socket
    host: str

    @asynccontextmanager
    async def open(self, daemon: Attachment) -> AsyncIterator[None]:
        """Serve until the daemon ends."""

        async def scrape(_: Request) -> Response:
            memory = await asyncio.get_running_loop().run_in_executor(None, resident, os.getpid())
            return Response(render(families(daemon.report(), memory)), media_type=CONTENT_TYPE_LATEST)

        app = Starlette(routes=[Route("/metrics", scrape)])
        async with serving(OnlyHere(app, self.host, self.socket.getsockname()[1]), self.socket, _MAX_CONNECTIONS):
            yield


def render(metrics: Iterable[Metric]) -> bytes:
    """Write metric families as Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(tuple(metrics)))
    return generate_latest(registry)


class _Once(Collector):
    """Gives what it was made of."""

    def __init__(self, metrics: tuple[Metric, ...]) -> None:
        self._metrics = metrics

    def collect(self) -> tuple[Metric, ...]:
        """Give the families."""
        return self._metrics
