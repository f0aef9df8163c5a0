"""The connected clients, each with its buffers, its jobs and its reply path. Clients do not see each other's."""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from diffroll_live.config import ServerConfig
from diffroll_live.errors import Busy, DiffrollError, UnknownBuffer
from diffroll_live.osc.replies import Error
from diffroll_live.osc.server_codec import write_reply
from diffroll_live.server.buffer import Buffer
from diffroll_live.server.job import ACTIVE, JobTable
from diffroll_live.server.outbox import Outbox

logger = logging.getLogger(__name__)

MAX_ABOUT = 128  # bytes of what an error is about
_OWN_FILES = 56  # that the daemon may need at once beside connections: pipes, recordings, the spool, the next callers
_UNLIMITED = 1 << 20
_ERRORS_KEPT = 8  # of one client, for whoever watches


class Client:
    """One client: a UDP address, a TCP connection, a script that writes into the spool, or a panel."""

    def __init__(self, key: str, outbox: Outbox, config: ServerConfig) -> None:
        self.key = key
        self.name = ""  # as it introduced itself
        self.outbox = outbox
        self.max_datagram = config.max_datagram  # bytes
        self.buffers: dict[str, Buffer] = {}
        self.jobs = JobTable(config.max_jobs_kept)
        self.is_surface = False  # whether it has reported the transport as REAPER or Ardour does
        self.last_seen = time.monotonic()
        self.errors: deque[tuple[int, Error]] = deque(maxlen=_ERRORS_KEPT)  # the last ones sent to it, numbered
        self._numbers = itertools.count(1)

    def send(self, reply: Any) -> None:
        """Send a reply. Raises errors.ProtocolError when OSC cannot hold one of its values."""
        for packet in write_reply(reply, self.max_datagram):
            self.outbox.send(packet)

    def send_error(self, about: str, error: DiffrollError) -> None:
        """Send an error about a job, a buffer or an address."""
        reply = Error(clip(about), error.code, error.text)
        self.errors.append((next(self._numbers), reply))
        self.send(reply)

    @property
    def connected(self) -> bool:
        """Whether its disconnection is noticed; other clients expire after a long silence."""
        return self.key.startswith("tcp")

    def free_buffers(self) -> None:
        """Free all its buffers; live ones stop."""
        for buffer in self.buffers.values():
            buffer.free(UnknownBuffer("The client of this buffer has left."))
        self.buffers.clear()

    @property
    def owns_nothing(self) -> bool:
        """Whether it has no buffer and no job, so that it misses nothing when it is forgotten."""
        return not self.buffers and not any(True for _ in self.jobs)

    @property
    def busy(self) -> bool:
        """Whether one of its jobs is not finished, or an input device is captured for it."""
        captures = any(buffer.is_captured for buffer in self.buffers.values())
        return captures or any(job.state in ACTIVE for job in self.jobs)


class ClientTable:
    """All clients by key, the one seen last at the end."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._most = min(config.max_clients, _affordable_clients())
        self._clients: dict[str, Client] = {}
        self.evict: Callable[[Client], None] = self.forget  # how a client is made to leave
        self.plays: Callable[[Client], bool] = lambda _: False  # whether it is in the middle of something
        self.watches: Callable[[Client], bool] = lambda _: False  # whether it wants to hear of others

    def __iter__(self) -> Iterator[Client]:
        return iter(tuple(self._clients.values()))

    def find(self, key: str) -> Client | None:
        """Return the client of a key, and note that it was seen."""
        client = self._clients.pop(key, None)
        if client is not None:
            client.last_seen = time.monotonic()
            self._clients[key] = client
        return client

    def admit(self, key: str, outbox: Outbox) -> Client:
        """Add a client; another makes room if need be. Raises errors.Busy when all have something to lose."""
        if len(self._clients) >= self._most:
            idle = self._least_missed()
            if idle is None:
                raise Busy(f"{len(self._clients)} clients are connected; raise server.max_clients to admit more.")
            if idle.connected:
                idle.send_error(
                    "client", Busy("Another client needed the place of one that owned nothing; connect again.")
                )
            self.evict(idle)
        client = self._clients[key] = Client(key, outbox, self._config)
        logger.debug("%s is a new client", key)
        return client

    def _least_missed(self) -> Client | None:
        """Of those that own nothing, else of those without a connection, find the one that is silent longest."""
        idle = [client for client in self if not client.busy and not self.plays(client)]
        useless = (client for client in idle if client.owns_nothing and not self.watches(client))
        unconnected = (client for client in idle if not client.connected)
        return next(chain(useless, unconnected), None)

    def forget(self, client: Client) -> None:
        """Drop a client with everything it owns."""
        self._clients.pop(client.key, None)
        client.free_buffers()
        client.outbox.close()

    def total_bytes(self) -> int:
        """Count the bytes of all buffers."""
        return sum(buffer.size_bytes for client in self for buffer in client.buffers.values())


def _affordable_clients() -> int:
    """Count the clients whose connections leave the daemon enough of the files that the system lets it open."""
    if sys.platform == "win32":
        return _UNLIMITED
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _UNLIMITED if files == resource.RLIM_INFINITY else max(1, files - _OWN_FILES)


def clip(about: str) -> str:
    """Cut what an error is about to a length that leaves room for the text."""
    return about.encode(errors="replace")[:MAX_ABOUT].decode(errors="ignore")
