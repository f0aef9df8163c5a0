"""A connection to the daemon in which several things can be waited for at once. Every wait ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from diffroll_live.errors import ProtocolError, TimedOut
from diffroll_live.osc import codec, messages, replies
from diffroll_live.osc.client_codec import MAX_PACKET, error_of, read_reply, write_message
from diffroll_live.osc.framing import PacketReader, frame

SILENCE = 20.0  # s after which the daemon is asked how things stand
PATIENCE = 30.0  # s that it then has to answer
_READ_BYTES = 1 << 16

T = TypeVar("T")
Replies = asyncio.Queue[Any]


class Connection:
    """A TCP connection on the running loop. Made by ``open``; ``welcome`` describes the daemon's model."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str) -> None:
        self._reader, self._writer, self._where = reader, writer, where
        self._listeners: set[Replies] = set()
        self._numbers = itertools.count(1)  # of pings
        self._reading = asyncio.create_task(self._read())
        self.welcome: replies.Welcome

    @classmethod
    async def open(cls, host: str, port: int, name: str) -> Connection:
        """Connect and greet. Raises errors.TimedOut when no daemon answers."""
        where = f"{host}:{port}"
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError) as error:
            raise TimedOut(f"No daemon answers at {where}; start one with 'diffroll-live serve'.") from error
        connection = cls(reader, writer, where)
        try:
            greeting = [messages.Hello(name)]
            connection.welcome = await connection.converse(greeting, (), _when(replies.Welcome))
        except BaseException:
            await connection.close()
            raise
        return connection

    @property
    def is_open(self) -> bool:
        """Whether the daemon is still there."""
        return not self._reading.done()

    def next_number(self) -> int:
        """Give a number that no ping has had, and later ones will exceed."""
        return next(self._numbers)

    def post(self, *wanted: Any) -> None:
        """Send messages, whatever comes of them."""
        for message in wanted:
            self._writer.write(frame(write_message(message)))

    async def converse(
        self, wanted: Iterable[Any], about: Iterable[str], hear: Callable[[Any], T | None], *, silence: float = SILENCE
    ) -> T:
        """Send messages and let ``hear`` take every reply until it gives something.

        An error ``about`` one of these names is raised. Raises errors.TimedOut when the daemon leaves, or does not say
        in time that it is still there; what it says of its jobs then comes to ``hear`` as well.
        """
        about = frozenset(about)
        heard: Replies = asyncio.Queue()
        self._listeners.add(heard)
        try:
            self.post(*wanted)
            await self._writer.drain()
            return await self._listen(heard, about, hear, silence)
        except ConnectionError as error:
            raise self._gone() from error
        finally:
            self._listeners.discard(heard)

    async def close(self) -> None:
        """Close the connection."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()

    async def _listen(
        self, heard: Replies, about: frozenset[str], hear: Callable[[Any], T | None], silence: float
    ) -> T:
        loop = asyncio.get_running_loop()
        number, until = 0, loop.time() + silence  # of the ping that is not answered yet
        while True:
            try:
                async with asyncio.timeout_at(until):
                    reply = await heard.get() if self.is_open or not heard.empty() else None
            except TimeoutError:
                if number:
                    raise TimedOut(f"The daemon at {self._where} has stopped answering; start it again.") from None
                number, until = self.next_number(), loop.time() + PATIENCE
                self.post(messages.StatusQuery(), messages.Ping(number))
                continue
            if reply is None:
                raise self._gone()
            if isinstance(reply, replies.Error) and reply.about in about:
                raise error_of(reply)
            if isinstance(reply, replies.Pong) and reply.n == number:
                number, until = 0, loop.time() + silence
            found = hear(reply)
            if found is not None:
                return found

    async def _read(self) -> None:
        """Hand every reply to all who listen, and None at the end."""
        stream = PacketReader(MAX_PACKET)
        with contextlib.suppress(ConnectionError, ProtocolError):
            while data := await self._reader.read(_READ_BYTES):
                stream.feed(data)
                for packet in stream.packets():
                    self._tell(read_reply(codec.decode_message(packet)))
        self._tell(None)

    def _tell(self, reply: Any) -> None:
        for listener in self._listeners:
            listener.put_nowait(reply)

    def _gone(self) -> TimedOut:
        return TimedOut(f"The daemon at {self._where} hung up; start it again.")


def _when(kind: type[T]) -> Callable[[Any], T | None]:
    return lambda reply: reply if isinstance(reply, kind) else None
