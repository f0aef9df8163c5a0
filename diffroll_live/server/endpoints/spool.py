"""The spool as an endpoint beside UDP and TCP: each script that leaves files there is a client.

A line is one message, a JSON array of the address and its arguments; it means what the same OSC message means. A file
without lines means that the client leaves.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from diffroll_live.errors import DiffrollError, ProtocolError
from diffroll_live.osc.codec import MAX_ARGUMENTS, MAX_STRING, Argument, Message, decode_message
from diffroll_live.osc.server_codec import write_error
from diffroll_live.server.clients import Client, ClientTable
from diffroll_live.server.endpoints.spool_folder import SpoolFolder
from diffroll_live.server.surviving import surviving

logger = logging.getLogger(__name__)

Take = Callable[[Client, Sequence[Message]], None]

_PAUSE = 0.03  # s between looks, about the time between two looks of REAPER's scripts
_IDLE_PAUSE = 0.15  # s, when nobody has written for a while
_ATTENTION = 5.0  # s; scripts that wait for a job ask after it more often
_MENDING = 1.0  # s, when the disk fails
_AT_ONCE = 100  # messages handled before other clients get a turn
_MAX_LINE = 65_536  # bytes
_MAX_WAITING = 200_000  # lines for one client, as of datagrams


class SpoolOutbox:
    """Keeps lines for one client until the endpoint writes them."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque()
        self.closed = False

    def send(self, packet: bytes) -> None:
        """Queue a reply; a client that never reads is kept a bounded number."""
        if len(self.lines) >= _MAX_WAITING:
            logger.debug("a client does not read the spool; a reply is dropped")
            return
        message = decode_message(packet)
        self.lines.append(json.dumps([message.address, *message.arguments], ensure_ascii=False))

    def redirect(self, port: int) -> None:
        """Do nothing: replies go to a file."""

    def drain(self) -> None:
        """Do nothing: the endpoint writes what waits when it closes."""

    def close(self) -> None:
        """Send nothing more."""
        self.closed = True


class SpoolEndpoint:
    """Makes each writer of files a client. Only its own thread uses the disk, never the loop."""

    def __init__(self, folder: SpoolFolder, clients: ClientTable, take: Take, left: Callable[[Client], None]) -> None:
        self._folder = folder
        self._clients = clients
        self._take = take
        self._left = left
        self._outboxes: dict[str, SpoolOutbox] = {}
        self._refused: dict[str, SpoolOutbox] = {}  # of clients that get only an error
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._healthy = True

    async def serve(self) -> None:
        """Poll the folder until cancelled. A failing disk is logged once, and tried again."""
        loop = asyncio.get_running_loop()
        heard = 0.0  # monotonic s
        while True:
            gone = [name for name, outbox in self._outboxes.items() if outbox.closed]
            outboxes = self._refused | {name: box for name, box in self._outboxes.items() if not box.closed}
            owed = {name: outbox.lines for name, outbox in outboxes.items()}
            try:
                arrivals = await loop.run_in_executor(self._pool, self._folder.exchange, owed, gone)
            except Exception as error:  # noqa: BLE001 - whatever it is, the scripts need the spool
                self._complain(error)
                await asyncio.sleep(_MENDING)
                continue
            self._healthy = True
            self._refused.clear()
            for name in gone:
                del self._outboxes[name]
            for name, content in arrivals:
                with surviving(f"a file of the script {name}"):
                    await self._receive(name, content)
            heard = loop.time() if arrivals else heard
            await asyncio.sleep(_PAUSE if loop.time() - heard < _ATTENTION else _IDLE_PAUSE)

    def close(self) -> None:
        """Write the remaining replies, and release the folder."""
        self._pool.shutdown()
        try:
            self._folder.exchange({name: outbox.lines for name, outbox in self._outboxes.items()})
        except OSError as error:
            self._complain(error)
        self._folder.close()

    def _complain(self, error: Exception) -> None:
        if self._healthy:
            logger.error(
                "the spool %s fails (%s); scripts that use it wait until that is fixed", self._folder.path, error
            )
        self._healthy = False

    async def _receive(self, name: str, content: bytes | DiffrollError) -> None:
        client = self._client(name)
        if client is None:
            return
        if isinstance(content, DiffrollError):
            client.send_error("packet", content)
            return
        if not content:
            self._left(client)
            return
        for number, line in enumerate(content.splitlines()):
            with surviving(f"a line of the script {name}", partial(client.send_error, "packet")):
                self._take(client, (read_line(line),))
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)

    def _client(self, name: str) -> Client | None:
        key = f"spool:{name}"
        client = self._clients.find(key)
        if client is None:
            outbox = SpoolOutbox()
            try:
                client = self._clients.admit(key, outbox)
                self._outboxes[name] = outbox
            except DiffrollError as error:
                self._refused[name] = outbox
                outbox.send(write_error(key, error))
        return client


def open_spool(path: Path | None) -> SpoolFolder | None:
    """Open the spool if one is configured; without it, the daemon logs why and serves its sockets alone."""
    if path is None:
        return None
    try:
        return SpoolFolder.open(path)
    except DiffrollError as error:
        logger.warning("scripts without sockets cannot reach the daemon: %s", error.text)
        return None


def read_line(line: bytes) -> Message:
    """Read ``["/address", argument, ...]``; arguments are numbers, strings, true and false.

    Raises errors.ProtocolError. Whether the arguments fit the address is not checked.
    """
    if len(line) > _MAX_LINE:
        raise ProtocolError(f"A line of {len(line)} bytes is longer than {_MAX_LINE}; send shorter ones.")
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("A line is not JSON; send an array of an address and its arguments.") from error
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_ARGUMENTS:
        raise ProtocolError(f"A line must be an array of an address and fewer than {MAX_ARGUMENTS} arguments.")
    if not isinstance(values[0], str) or not values[0].startswith("/"):
        raise ProtocolError("A line must begin with an address, and an address with a slash.")
    _check_string(values[0])
    return Message(values[0], tuple(_arguments(values)))


def _arguments(values: list[object]) -> Iterator[Argument]:
    for value in values[1:]:
        if isinstance(value, str):
            _check_string(value)
        elif not isinstance(value, int | float):
            raise ProtocolError("An argument must be a number or a string.")
        yield value


def _check_string(value: str) -> None:
    """Raise errors.ProtocolError for a string that OSC could not hold. JSON can escape half a surrogate pair."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise ProtocolError("A string holds half a surrogate pair, which is no character; leave it out.") from error
    if size > MAX_STRING:
        raise ProtocolError(f"A string must have at most {MAX_STRING} bytes.")
