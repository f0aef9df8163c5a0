"""Live buffers: how many there may be, the chunks without an end that fill them, and what remains of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from diffroll_live.audio.chunk_stream import ChunkStream
from diffroll_live.audio.clock import CLIENT_JITTER, DEVICE_JITTER
from diffroll_live.audio.live_buffer import LiveBuffer, Session
from diffroll_live.config import ServerConfig
from diffroll_live.errors import Busy, DiffrollError, Incomplete, ProtocolError
from diffroll_live.osc import messages as m
from diffroll_live.osc.replies import AudioAck, AudioFreed, AudioOpened, AudioOverrun
from diffroll_live.server.audio.buffers import BYTES_PER_SAMPLE, BufferStore
from diffroll_live.server.buffer import Buffer
from diffroll_live.server.clients import Client, ClientTable

_RATE = 48_000  # Hz at which a live input keeps its seconds; at higher rates it keeps fewer


class OpenSession(Protocol):
    """Opens the session that turns a live buffer into notes."""

    def __call__(self, client: Client, buffer: str, rate: int, *, latency_ms: float) -> Session:
        """``rate`` is in Hz; a latency of 0 is the daemon's own choice. Raises errors.RequestError."""


class LiveInputs:
    """All live buffers, whether chunks or devices fill them."""

    def __init__(
        self, config: ServerConfig, clients: ClientTable, buffers: BufferStore, open_session: OpenSession
    ) -> None:
        self._config = config
        self._clients = clients
        self._buffers = buffers
        self._open_session = open_session
        self.overruns = 0  # times that inputs have lost samples, those that have ended included

    def add(
        self, client: Client, name: str, latency_ms: float, *, origin: float = 0.0, stream: ChunkStream | None = None
    ) -> LiveBuffer:
        """Add a live buffer. Raises errors.Busy when there are as many as may be, errors.TooLarge."""
        older = client.buffers.get(name)
        others = [buffer for each in self._clients for buffer in each.buffers.values() if buffer is not older]
        if sum(buffer.live is not None for buffer in others) >= self._config.max_live:
            raise Busy(f"{self._config.max_live} live inputs are open; close one, or raise server.max_live.")
        keep = round(self._config.live_seconds * _RATE)
        open_session = partial(self._open_session, client, name, latency_ms=latency_ms)
        jitter = DEVICE_JITTER if stream is None else CLIENT_JITTER
        live = LiveBuffer(
            name, self._counting(client.send), open_session, jitter=jitter, keep_samples=keep, origin=origin
        )
        self._buffers.put(client, name, Buffer(keep * BYTES_PER_SAMPLE, live=live, stream=stream))
        return live

    def _counting(self, send: Callable[[object], None]) -> Callable[[object], None]:
        """Count the losses that one input reports."""
        before = 0

        def tell(reply: object) -> None:
            nonlocal before
            if isinstance(reply, AudioOverrun):
                self.overruns += reply.count - before
                before = reply.count
            send(reply)

        return tell

    def fail(self, client: Client, live: LiveBuffer, error: DiffrollError) -> None:
        """Drop a live buffer, and tell its client why."""
        buffer = client.buffers.get(live.name)
        if buffer is not None and buffer.live is live:
            self._buffers.fail(client, live.name, buffer, error)

    def open_stream(self, client: Client, message: m.AudioOpen) -> None:
        """Open a buffer of chunks without an end. Raises what `ChunkStream` and `add` raise, errors.RequestError."""
        name, rate = message.buffer, message.sample_rate
        stream = ChunkStream(name, rate, message.channels, message.format, message.chunk_bytes)
        live = self.add(client, name, message.latency_ms, origin=message.origin, stream=stream)
        try:
            live.open(rate)
        except DiffrollError:
            self._buffers.remove(client, name)
            raise
        client.send(AudioOpened(name, stream.window))

    def chunk(self, client: Client, buffer: Buffer, live: LiveBuffer, message: m.AudioChunk) -> None:
        """Take a chunk. Raises errors.ProtocolError, errors.AudioError."""
        if buffer.stream is None:
            raise ProtocolError(f"The buffer {live.name!r} is filled by a device and takes no chunks; open another.")
        arrival = buffer.stream.take(message.index, message.data, time.perf_counter())
        if arrival is None:
            return
        live.write(arrival)
        if buffer.stream.ack_due:
            client.send(AudioAck(live.name, buffer.stream.received))

    def close(self, client: Client, buffer: Buffer, live: LiveBuffer) -> None:
        """Stop; the last seconds become the buffer, unless there was no sound."""
        try:
            audio = live.snapshot()
        except Incomplete:
            self._buffers.remove(client, live.name)
            client.send(AudioFreed(live.name))
        else:
            self._buffers.finish(client, live.name, buffer, audio)

    def sweep(self) -> None:
        """Let silence stand for what does not come."""
        now = time.perf_counter()
        for client in self._clients:
            for buffer in client.buffers.values():
                if buffer.live is not None:
                    buffer.live.wait(now)
