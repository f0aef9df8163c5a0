"""A daemon that lives as long as one command, and the command's client of it, for live and jam."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from diffroll_live.cli.commands.serving import start_midi
from diffroll_live.cli.worker import make_worker
from diffroll_live.config import Config, MidiConfig
from diffroll_live.errors import PortError
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.osc import codec, replies
from diffroll_live.osc.client_codec import MAX_PACKET, error_of, read_reply, write_message
from diffroll_live.osc.framing import PacketReader, frame
from diffroll_live.server.daemon import serve as serve_clients

_READ_BYTES = 1 << 16


class Wire:
    """A TCP connection to the daemon, in messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, message: Any) -> None:
        """Send one of osc.messages."""
        self._writer.write(frame(write_message(message)))

    async def replies(self, survives: Callable[[replies.Error], bool] = lambda _: False) -> AsyncIterator[Any]:
        """Give the daemon's replies until it ends; an error is raised unless the command ``survives`` it."""
        stream = PacketReader(MAX_PACKET)
        with contextlib.suppress(ConnectionError):
            while data := await self._reader.read(_READ_BYTES):
                stream.feed(data)
                for packet in stream.packets():
                    reply = read_reply(codec.decode_message(packet))
                    if isinstance(reply, replies.Error) and not survives(reply):
                        raise error_of(reply)
                    yield reply


def open_midi(midi: MidiConfig) -> Scheduler | None:
    """Open the MIDI output. Raises errors.PortError when a port that was named is not there."""
    scheduler = start_midi(midi)
    if scheduler is not None and midi.port and not scheduler.state.is_open:
        text = scheduler.state.text
        scheduler.close()
        raise PortError(text)
    return scheduler


async def run_with_client(
    config: Config, scheduler: Scheduler | None, converse: Callable[[Wire], Awaitable[None]]
) -> None:
    """Run the daemon, and a client beside it, until a signal comes or the client ends; its error is raised."""
    worker = make_worker(config)
    stop = asyncio.Event()
    clients: list[asyncio.Task[None]] = []

    async def follow(port: int) -> None:
        reader, writer = await asyncio.open_connection(config.server.host, port)
        with contextlib.closing(writer):
            await converse(Wire(reader, writer))

    def ready(port: int) -> None:
        client = asyncio.get_running_loop().create_task(follow(port))
        client.add_done_callback(lambda _: stop.set())
        clients.append(client)

    await serve_clients(config, worker, scheduler, ready=ready, stop=stop)
    await asyncio.gather(*clients)
