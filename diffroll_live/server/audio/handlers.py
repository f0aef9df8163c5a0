"""Audio in: buffers from files and from chunks, and what waits for them. Knows nothing of jobs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from diffroll_live.audio.chunks import ChunkAssembly, ChunkPlan
from diffroll_live.audio.live_buffer import LiveBuffer
from diffroll_live.config import ServerConfig
from diffroll_live.errors import (
    BadChecksum,
    DiffrollError,
    InternalError,
    ProtocolError,
    TimedOut,
    TooLarge,
)
from diffroll_live.files.audio_file import read_audio
from diffroll_live.files.paths import allowed_path
from diffroll_live.osc import messages as m
from diffroll_live.osc.replies import AudioAck, AudioFreed, AudioMissing, AudioOpened
from diffroll_live.server.audio.buffers import BYTES_PER_SAMPLE, BufferStore, ready
from diffroll_live.server.audio.live_inputs import LiveInputs
from diffroll_live.server.buffer import Buffer, BufferState, Then
from diffroll_live.server.clients import Client, ClientTable
from diffroll_live.types import AudioBuffer

logger = logging.getLogger(__name__)

_MAX_MISSING = 8192  # indexes sent at once; the next close brings the rest


class AudioHandlers:
    """Handles every ``/diffroll/audio`` message."""

    def __init__(
        self, config: ServerConfig, clients: ClientTable, buffers: BufferStore, live: LiveInputs, max_seconds: float
    ) -> None:
        self._config = config
        self._clients = clients
        self._buffers = buffers
        self._live = live
        self._max_seconds = max_seconds  # of one buffer
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="audio")  # reading and checking take their time
        self._loading: set[asyncio.Task[None]] = set()  # the loop itself holds tasks but weakly
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            m.AudioFile: self._file,
            m.AudioOpen: self._open,
            m.AudioChunk: self._chunk,
            m.AudioClose: self._close,
            m.AudioFree: self._free,
        }

    def get(self, client: Client, name: str) -> AudioBuffer | None:
        """Return the audio of a client's buffer, of a live one the last seconds; None while it is being loaded.

        Raises errors.UnknownBuffer, and errors.Incomplete while chunks are missing.
        """
        return self._buffers.find(client, name).snapshot(name)

    def live(self, client: Client, name: str) -> LiveBuffer | None:
        """Return what fills a live buffer of a client; None for one that has ended. Raises errors.UnknownBuffer."""
        return self._buffers.find(client, name).live

    def wait(self, client: Client, name: str, then: Then) -> None:
        """Call ``then`` when a buffer that is being loaded is ready, or with the error that kept it from being so."""
        self._buffers.find(client, name).wait(then)

    def sweep(self, now: float) -> None:
        """Drop buffers whose chunks have stopped coming. ``now`` is monotonic."""
        timeout = self._config.buffer_timeout_s
        for client in self._clients:
            for name, buffer in tuple(client.buffers.items()):
                if buffer.state is BufferState.RECEIVING and now - buffer.touched > timeout:
                    error = TimedOut(f"No chunk came for {timeout:g} s; open the buffer again.")
                    self._buffers.fail(client, name, buffer, error)

    def close(self) -> None:
        """Give up what is being loaded."""
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
            max_bytes=self._buffers.free_bytes,
        )
        buffer = self._buffers.put(client, message.buffer, Buffer(size_bytes=0))
        self._load(client, message.buffer, buffer, read)

    def _open(self, client: Client, message: m.AudioOpen) -> None:
        if message.frames == 0:
            self._live.open_stream(client, message)
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
        size = plan.total_bytes + plan.frames * BYTES_PER_SAMPLE
        self._buffers.put(client, message.buffer, Buffer(size, assembly=ChunkAssembly(plan)))
        client.send(AudioOpened(message.buffer, plan.window))

    def _chunk(self, client: Client, message: m.AudioChunk) -> None:
        buffer = self._buffers.find(client, message.buffer)
        if buffer.live is not None:
            self._live.chunk(client, buffer, buffer.live, message)
        elif buffer.assembly is not None:  # or else it is a late repeat
            buffer.touched = time.monotonic()
            if buffer.assembly.add(message.index, message.data):
                client.send(AudioAck(message.buffer, buffer.assembly.received))

    def _close(self, client: Client, message: m.AudioClose) -> None:
        buffer = self._buffers.find(client, message.buffer)
        if buffer.live is not None:
            self._live.close(client, buffer, buffer.live)
        elif buffer.assembly is not None:
            buffer.touched = time.monotonic()
            self._close_chunks(client, buffer, buffer.assembly, message)
        elif buffer.audio is not None:  # the client has missed the answer
            client.send(ready(message.buffer, buffer.audio))

    def _close_chunks(self, client: Client, buffer: Buffer, assembly: ChunkAssembly, message: m.AudioClose) -> None:
        count = assembly.plan.chunks
        if message.chunks != count:
            raise ProtocolError(f"{message.chunks} chunks do not make this buffer; its opening says {count}.")
        missing = assembly.missing(_MAX_MISSING)
        if missing:
            client.send(AudioMissing(message.buffer, missing))
            return
        buffer.load()
        self._load(client, message.buffer, buffer, partial(assembly.finish, message.crc32))

    def _free(self, client: Client, message: m.AudioFree) -> None:
        self._buffers.remove(client, message.buffer)
        client.send(AudioFreed(message.buffer))

    def _load(self, client: Client, name: str, buffer: Buffer, work: Callable[[], AudioBuffer]) -> None:
        """Make the audio of a buffer off the loop."""

        async def load() -> None:
            try:
                audio = await asyncio.get_running_loop().run_in_executor(self._pool, _guarded, work)
                if buffer.state is BufferState.LOADING:  # not freed meanwhile
                    for remark in audio.remarks:
                        logger.warning("the buffer %s of %s: %s", name, client.key, remark)
                    self._buffers.finish(client, name, buffer, audio)
            except DiffrollError as error:
                if buffer.state is not BufferState.LOADING:
                    return
                if isinstance(error, BadChecksum):
                    self._buffers.receive_again(client, name, buffer, error)
                else:
                    self._buffers.fail(client, name, buffer, error)

        task = asyncio.get_running_loop().create_task(load())
        self._loading.add(task)
        task.add_done_callback(self._loading.discard)


def _guarded(work: Callable[[], AudioBuffer]) -> AudioBuffer:
    """Do the work; whatever goes wrong becomes an error that can be sent to the client."""
    try:
        return work()
    except DiffrollError:
        raise
    except MemoryError as error:
        raise TooLarge("There is not enough memory for this buffer; send a shorter recording.") from error
    except Exception as error:
        logger.exception("a buffer could not be read")
        raise InternalError(f"The audio could not be read ({error}); the log of the daemon has the details.") from error
