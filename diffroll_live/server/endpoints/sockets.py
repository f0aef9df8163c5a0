"""The sockets: one port number for UDP and TCP, packets in, and a client with its outbox for each peer."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from typing import Any

from diffroll_live.config import ServerConfig
from diffroll_live.errors import DiffrollError, PortError, ProtocolError
from diffroll_live.osc.framing import PacketReader
from diffroll_live.osc.server_codec import write_error
from diffroll_live.server.clients import Client, ClientTable
from diffroll_live.server.outbox import DatagramOutbox, StreamOutbox
from diffroll_live.server.surviving import surviving

logger = logging.getLogger(__name__)

Receive = Callable[[Client, bytes], None]

_ATTEMPTS = 16  # to find a port that is free for UDP and TCP
_SMALLEST_BUFFER = 1 << 16  # bytes
_READ_BYTES = 1 << 16  # of a connection at once
_ACCEPTED_AT_ONCE = 4  # connections in a turn of the loop; those that must make room are closed some turns later
_WAITING = 128  # connections that the system keeps until they are accepted
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def bind(config: ServerConfig) -> tuple[socket.socket, socket.socket]:
    """Open the UDP and the TCP socket on one port. Raises errors.PortError that says how to choose another."""
    if config.host not in _LOOPBACK:
        logger.warning("listening on %s: anyone who can reach this address can use the daemon", config.host)
    for _ in range(_ATTEMPTS):
        stream = _bind(config.host, config.port, socket.SOCK_STREAM)
        try:
            datagram = _bind(config.host, stream.getsockname()[1], socket.SOCK_DGRAM)
        except PortError:
            stream.close()
            if config.port:
                raise
            continue
        _widen(datagram, config.receive_buffer_bytes)
        return datagram, stream
    raise PortError("No port is free for both UDP and TCP; choose one with --port.")


def _bind(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind)
    except OSError as error:
        raise PortError(f"The host {host!r} cannot be listened on ({error}); choose another with --host.") from error
    try:
        if kind == socket.SOCK_STREAM and os.name == "posix":  # elsewhere the option lets two daemons share a port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else a port stays taken after a restart
        bound.bind(address)
        bound.setblocking(False)
        if kind == socket.SOCK_STREAM:
            bound.listen()
    except OSError as error:
        bound.close()
        raise PortError(
            f"Port {port} on {host} cannot be opened ({error.strerror}); "
            "another daemon may be running. Choose another port with --port."
        ) from error
    return bound


def _widen(datagram: socket.socket, wanted_bytes: int) -> None:
    """Set the largest receive buffer that the system grants: a burst of chunks must fit in it."""
    size = wanted_bytes
    while size >= _SMALLEST_BUFFER:
        try:
            datagram.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        except OSError:
            size //= 2
        else:
            break
    logger.debug("UDP receive buffer: %d bytes", datagram.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))


class UdpEndpoint(asyncio.DatagramProtocol):
    """Makes each source address a client."""

    def __init__(self, clients: ClientTable, receive: Receive) -> None:
        self._clients = clients
        self._receive = receive
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Pass on a datagram and who sent it."""
        key = f"udp:{addr[0]}:{addr[1]}"
        with surviving(f"a datagram of {key}", lambda error: self._transport.sendto(write_error(key, error), addr)):
            client = self._clients.find(key)
            if client is None:
                client = self._clients.admit(key, DatagramOutbox(self._transport.sendto, addr))
            self._receive(client, data)

    def error_received(self, exc: Exception) -> None:
        """Ignore it: the system reports an error for what was sent to a client that is gone."""
        logger.debug("UDP: %s", exc)


class TcpEndpoint:
    """Makes each connection a client.

    A crowd of them cannot use up the files that the daemon may open: it is let in slowly.
    """

    def __init__(
        self, clients: ClientTable, receive: Receive, left: Callable[[Client], None], max_packet_bytes: int
    ) -> None:
        self._clients = clients
        self._receive = receive
        self._left = left
        self._max_packet_bytes = max_packet_bytes

    async def start(self, stream: socket.socket) -> asyncio.Server:
        """Accept connections on a bound socket."""
        server = await asyncio.start_server(self._serve, sock=stream, backlog=_ACCEPTED_AT_ONCE)
        stream.listen(_WAITING)  # asyncio has one number for both
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        peer = writer.get_extra_info("peername")
        if peer is None:  # it has hung up already
            writer.close()
            return
        key = f"tcp:{peer[0]}:{peer[1]}"
        outbox = StreamOutbox(writer)
        client: Client | None = None

        def tell(error: DiffrollError) -> None:
            outbox.send(write_error(key if client is None else "packet", error))

        try:
            with surviving(f"the connection of {key}", tell):
                client = self._clients.admit(key, outbox)
                await self._handle(client, reader)
        finally:
            if client is None:
                outbox.close()
            else:
                self._left(client)

    async def _handle(self, client: Client, reader: asyncio.StreamReader) -> None:
        """Handle packets until the client hangs up. Raises errors.ProtocolError when they make no sense any more."""
        try:
            await self._read_packets(client, reader)
        except ProtocolError as error:
            raise ProtocolError(f"{error.text} The connection is closed.") from error
        except OSError as error:
            logger.debug("%s has hung up: %s", client.key, error)

    async def _read_packets(self, client: Client, reader: asyncio.StreamReader) -> None:
        """Handle packets until the client hangs up. Raises errors.ProtocolError for one of an impossible length."""
        stream = PacketReader(self._max_packet_bytes)
        while data := await reader.read(_READ_BYTES):
            if self._clients.find(client.key) is not client:
                return  # it had to make room
            stream.feed(data)
            for packet in stream.packets():
                self._receive(client, packet)
                await asyncio.sleep(0)  # other clients get a turn even when this one sends without a pause
