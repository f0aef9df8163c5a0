"""Audio in: buffers from files and from chunks, their limits, and what waits for them. Knows nothing of jobs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

from diffroll_live.assembly import Assembly, ChunkPlan
from diffroll_live.config import ServerConfig
from diffroll_live.errors import (
    BadChecksum,
    Busy,
    DiffrollError,
    Incomplete,
    InternalError,
    ProtocolError,
    TimedOut,
    TooLarge,
    UnknownBuffer,
)
from diffroll_live.files import allowed_path, read_audio
from diffroll_live.live_chunks import ChunkStream
from diffroll_live.osc import messages as m
from diffroll_live.osc.replies import AudioAck, AudioFreed, AudioMissing, AudioOpened, AudioReady
from diffroll_live.server.clients import BufferSlot, Client, ClientTable
from diffroll_live.server.live_buffer import LiveBuffer, Session
from diffroll_live.types import AudioBuffer

logger = logging.getLogger(__name__)

_MOST_MISSING = 8192  # indexes told at once; the next close tells the rest
_BYTES_PER_SAMPLE = 4  # of a finished buffer: mono float32
_LIVE_RATE = 48_000  # Hz at which a live input keeps its seconds; at higher rates it keeps fewer

Then = Callable[[DiffrollError | None], None]


class OpenSession(Protocol):
    """Opens the live lane of a buffer."""

    def __call__(self, client: Client, buffer: str, rate: int, *, latency_ms: float) -> Session:
        """``rate`` is in Hz; a latency of 0 is the daemon's own choice. Raises errors.RequestError, errors.Busy."""


class AudioRoom:
    """Handles every ``/diffroll/audio`` message."""

    def __init__(
        self, config: ServerConfig, clients: ClientTable, max_seconds: float, open_session: OpenSession
    ) -> None:
        self._config = config
        self._open_session = open_session
        self._clients = clients
        self._max_seconds = max_seconds  # of one buffer
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="audio")  # reading and checking take their time
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            m.AudioFile: self._file,
            m.AudioOpen: self._open,
            m.AudioChunk: self._chunk,
            m.AudioClose: self._close,
            m.AudioFree: self._free,
        }

    def get(self, client: Client, name: str) -> AudioBuffer | None:
        """Give a client's buffer, of a live one what was heard lately; None while it is being read.

        Raises errors.UnknownBuffer, and errors.Incomplete while chunks are missing.
        """
        slot = self._slot(client, name)
        if slot.live is not None:
            return slot.live.snapshot()
        if slot.assembly is not None and slot.loading is None:
            count = slot.assembly.plan.chunks - slot.assembly.received
            raise Incomplete(f"The buffer {name!r} lacks {count} chunks, or its close; send them first.")
        return slot.audio

    def wait(self, client: Client, name: str, then: Then) -> None:
        """Call ``then`` when a buffer that is being read is there, or with the error that kept it away."""
        self._slot(client, name).waiting.append(then)

    def add_live(
        self, client: Client, name: str, latency_ms: float, *, origin: float = 0.0, stream: ChunkStream | None = None
    ) -> LiveBuffer:
        """Add a buffer that is live. Raises errors.Busy when there are as many as may be, errors.TooLarge."""
        older = client.buffers.get(name)
        others = [slot for each in self._clients for slot in each.buffers.values() if slot is not older]
        if sum(slot.live is not None for slot in others) >= self._config.max_live:
            raise Busy(f"{self._config.max_live} live inputs are heard; close one, or raise server.max_live.")
        keep = round(self._config.live_seconds * _LIVE_RATE)
        self._check_memory(keep * _BYTES_PER_SAMPLE, older)
        open_session = partial(self._open_session, client, name, latency_ms=latency_ms)
        live = LiveBuffer(name, client.send, open_session, keep_samples=keep, origin=origin)
        self._add(client, name, BufferSlot(keep * _BYTES_PER_SAMPLE, live=live, stream=stream))
        return live

    def drop_live(self, client: Client, live: LiveBuffer, error: DiffrollError) -> None:
        """Give up a live buffer, and say why."""
        slot = client.buffers.get(live.name)
        if slot is not None and slot.live is live:
            del client.buffers[live.name]
            client.send_error(live.name, error)
            self._release(slot, error)

    def sweep(self, now: float) -> None:
        """Drop buffers whose chunks have stopped coming. ``now`` is monotonic."""
        for client in self._clients:
            for name, slot in tuple(client.buffers.items()):
                if slot.live is not None:
                    slot.live.wait(time.perf_counter())
                stale = now - slot.touched > self._config.buffer_timeout_s
                if stale and slot.assembly is not None and slot.loading is None:
                    del client.buffers[name]
                    seconds = self._config.buffer_timeout_s
                    client.send_error(name, TimedOut(f"No chunk came for {seconds:g} s; open the buffer again."))

    def close(self) -> None:
        """Give up what is being read."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _file(self, client: Client, message: m.AudioFile) -> None:
        path = allowed_path(message.path, self._config.allowed_folders)
        read = partial(
            read_audio,
            path,
            message.start,
            message.duration or None,
            name=message.buffer,
            origin=message.origin,
            max_seconds=self._max_seconds,
            max_bytes=self._config.max_total_bytes - self._clients.total_bytes(),
        )
        slot = self._add(client, message.buffer, BufferSlot(size_bytes=0))
        self._load(client, message.buffer, slot, read)

    def _open(self, client: Client, message: m.AudioOpen) -> None:
        if message.frames == 0:
            self._open_live(client, message)
            return
        plan = ChunkPlan(
            message.buffer,
            message.sample_rate,
            message.channels,
            message.frames,
            message.format,
            message.chunk_bytes,
            message.origin,
        )
        if plan.seconds > self._max_seconds:
            raise TooLarge(f"{plan.seconds:.0f} s of audio are more than {self._max_seconds:.0f} s; send a part of it.")
        size = plan.total_bytes + plan.frames * _BYTES_PER_SAMPLE
        self._check_memory(size, client.buffers.get(message.buffer))
        self._add(client, message.buffer, BufferSlot(size, assembly=Assembly(plan)))
        client.send(AudioOpened(message.buffer, plan.window))

    def _open_live(self, client: Client, message: m.AudioOpen) -> None:
        """Make a buffer of chunks without an end."""
        name, rate = message.buffer, message.sample_rate
        stream = ChunkStream(name, rate, message.channels, message.format, message.chunk_bytes)
        live = self.add_live(client, name, message.latency_ms, origin=message.origin, stream=stream)
        try:
            live.open(rate)
        except DiffrollError:
            client.buffers.pop(name)
            raise
        client.send(AudioOpened(name, stream.window))

    def _chunk(self, client: Client, message: m.AudioChunk) -> None:
        slot = self._slot(client, message.buffer)
        if slot.live is not None:
            self._hear_chunk(client, slot.live, slot.stream, message)
            return
        if slot.assembly is None or slot.loading is not None:
            return  # a late repeat: the buffer is whole already
        slot.touched = time.monotonic()
        if slot.assembly.add(message.index, message.data):
            client.send(AudioAck(message.buffer, slot.assembly.received))

    def _close(self, client: Client, message: m.AudioClose) -> None:
        slot = self._slot(client, message.buffer)
        if slot.live is not None:
            self._close_live(client, message.buffer, slot, slot.live)
            return
        if slot.audio is not None:  # the client has missed the answer
            client.send(_ready(message.buffer, slot.audio))
        if slot.assembly is None or slot.loading is not None:
            return
        slot.touched = time.monotonic()
        plan = slot.assembly.plan
        if message.chunks != plan.chunks:
            raise ProtocolError(f"{message.chunks} chunks do not make this buffer; its opening says {plan.chunks}.")
        missing = slot.assembly.missing(_MOST_MISSING)
        if missing:
            client.send(AudioMissing(message.buffer, missing))
            return
        self._load(client, message.buffer, slot, partial(slot.assembly.finish, message.crc32))

    def _hear_chunk(self, client: Client, live: LiveBuffer, stream: ChunkStream | None, message: m.AudioChunk) -> None:
        if stream is None:
            raise ProtocolError(f"The buffer {live.name!r} listens to a device and takes no chunks; open another.")
        heard = stream.take(message.index, message.data, time.perf_counter())
        if heard is None:
            return
        live.hear(heard.samples, heard.at, overrun=heard.lost > 0, lost=heard.lost)
        if stream.ack_due:
            client.send(AudioAck(live.name, stream.received))

    def _close_live(self, client: Client, name: str, slot: BufferSlot, live: LiveBuffer) -> None:
        """Hear no more; what was heard lately becomes the buffer, unless nothing was."""
        try:
            audio = live.snapshot()
        except Incomplete:
            del client.buffers[name]
            slot.end()
            client.send(AudioFreed(name))
            return
        slot.end()
        self._keep(client, name, slot, audio)

    def _free(self, client: Client, message: m.AudioFree) -> None:
        slot = self._slot(client, message.buffer)
        del client.buffers[message.buffer]
        self._release(slot, UnknownBuffer(f"The buffer {message.buffer!r} was freed."))
        client.send(AudioFreed(message.buffer))

    def _slot(self, client: Client, name: str) -> BufferSlot:
        try:
            return client.buffers[name]
        except KeyError:
            raise UnknownBuffer(f"There is no buffer {name!r}; open it, or name a file.") from None

    def _add(self, client: Client, name: str, slot: BufferSlot) -> BufferSlot:
        older = client.buffers.pop(name, None)
        if older is None and len(client.buffers) >= self._config.max_buffers:
            raise TooLarge(f"{len(client.buffers)} buffers are open; free one with /diffroll/audio/free.")
        client.buffers[name] = slot
        if older is not None:
            self._release(older, UnknownBuffer(f"The buffer {name!r} was replaced."))
        return slot

    def _check_memory(self, size_bytes: int, replaced: BufferSlot | None) -> None:
        held = self._clients.total_bytes() - (replaced.size_bytes if replaced else 0)
        if held + size_bytes > self._config.max_total_bytes:
            limit = self._config.max_total_bytes >> 20
            raise TooLarge(f"All buffers together may take {limit} MiB; free some, or raise server.max_total_bytes.")

    def _load(self, client: Client, name: str, slot: BufferSlot, work: Callable[[], AudioBuffer]) -> None:
        """Make the audio off the loop; the slot is told when it is there."""

        async def load() -> None:
            try:
                audio = await asyncio.get_running_loop().run_in_executor(self._pool, _guarded, work)
                if client.buffers.get(name) is slot:
                    self._keep(client, name, slot, audio)
            except DiffrollError as error:
                if client.buffers.get(name) is slot:
                    self._fail(client, name, slot, error)

        slot.loading = asyncio.get_running_loop().create_task(load())

    def _keep(self, client: Client, name: str, slot: BufferSlot, audio: AudioBuffer) -> None:
        self._check_memory(audio.samples.nbytes, slot)
        slot.size_bytes = audio.samples.nbytes
        slot.audio, slot.assembly, slot.loading = audio, None, None
        client.send(_ready(name, audio))
        self._release(slot, None)

    def _fail(self, client: Client, name: str, slot: BufferSlot, error: DiffrollError) -> None:
        slot.loading = None
        if not isinstance(error, BadChecksum):  # after a bad checksum the chunks may come again
            del client.buffers[name]
        client.send_error(name, error)
        self._release(slot, error)

    def _release(self, slot: BufferSlot, error: DiffrollError | None) -> None:
        slot.end()
        waiting, slot.waiting = slot.waiting, []
        for then in waiting:
            then(error)


def _ready(name: str, audio: AudioBuffer) -> AudioReady:
    return AudioReady(name, audio.seconds, audio.sample_rate)


def _guarded(work: Callable[[], AudioBuffer]) -> AudioBuffer:
    """Do the work; whatever goes wrong is an error that the client can be told."""
    try:
        return work()
    except DiffrollError:
        raise
    except MemoryError as error:
        raise TooLarge("There is not enough memory for this buffer; send a shorter stretch.") from error
    except Exception as error:
        logger.exception("a buffer could not be read")
        raise InternalError(f"The audio could not be read ({error}); the log of the daemon has the details.") from error
