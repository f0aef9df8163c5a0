"""Audio in: buffers from files and from chunks, their limits, and what waits for them. Knows nothing of jobs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from diffroll_live.audio.chunks import ChunkAssembly, ChunkPlan
from diffroll_live.config import ServerConfig
from diffroll_live.errors import (
    BadChecksum,
    DiffrollError,
    Incomplete,
    InternalError,
    ProtocolError,
    TimedOut,
    TooLarge,
)
from diffroll_live.files.audio_file import read_audio
from diffroll_live.files.paths import allowed_path
from diffroll_live.osc import messages as m
from diffroll_live.osc.replies import AudioAck, AudioFreed, AudioMissing, AudioOpened
from diffroll_live.server.audio.buffers import BYTES_PER_SAMPLE, BufferStore, Then, ready
from diffroll_live.server.audio.live_inputs import LiveInputs
from diffroll_live.server.clients import BufferSlot, Client, ClientTable
from diffroll_live.types import AudioBuffer

logger = logging.getLogger(__name__)

_MOST_MISSING = 8192  # indexes told at once; the next close tells the rest


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
        slot = self._buffers.slot(client, name)
        if slot.live is not None:
            return slot.live.snapshot()
        if slot.assembly is not None and slot.loading is None:
            count = slot.assembly.plan.chunks - slot.assembly.received
            raise Incomplete(f"The buffer {name!r} lacks {count} chunks, or its close; send them first.")
        return slot.audio

    def wait(self, client: Client, name: str, then: Then) -> None:
        """Call ``then`` when a buffer that is being read is there, or with the error that kept it away."""
        self._buffers.slot(client, name).waiting.append(then)

    def sweep(self, now: float) -> None:
        """Drop buffers whose chunks have stopped coming. ``now`` is monotonic."""
        for client in self._clients:
            for name, slot in tuple(client.buffers.items()):
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
            max_bytes=self._buffers.room,
        )
        slot = self._buffers.put(client, message.buffer, BufferSlot(size_bytes=0))
        self._load(client, message.buffer, slot, read)

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
        self._buffers.put(client, message.buffer, BufferSlot(size, assembly=ChunkAssembly(plan)))
        client.send(AudioOpened(message.buffer, plan.window))

    def _chunk(self, client: Client, message: m.AudioChunk) -> None:
        slot = self._buffers.slot(client, message.buffer)
        if slot.live is not None:
            self._live.chunk(client, slot, slot.live, message)
            return
        if slot.assembly is None or slot.loading is not None:
            return  # a late repeat: the buffer is whole already
        slot.touched = time.monotonic()
        if slot.assembly.add(message.index, message.data):
            client.send(AudioAck(message.buffer, slot.assembly.received))

    def _close(self, client: Client, message: m.AudioClose) -> None:
        slot = self._buffers.slot(client, message.buffer)
        if slot.live is not None:
            self._live.close(client, slot, slot.live)
            return
        if slot.audio is not None:  # the client has missed the answer
            client.send(ready(message.buffer, slot.audio))
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

    def _free(self, client: Client, message: m.AudioFree) -> None:
        self._buffers.remove(client, message.buffer)
        client.send(AudioFreed(message.buffer))

    def _load(self, client: Client, name: str, slot: BufferSlot, work: Callable[[], AudioBuffer]) -> None:
        """Make the audio off the loop; the slot is told when it is there."""

        async def load() -> None:
            try:
                audio = await asyncio.get_running_loop().run_in_executor(self._pool, _guarded, work)
                if self._buffers.holds(client, name, slot):
                    self._buffers.finish(client, name, slot, audio)
            except DiffrollError as error:
                slot.loading = None
                if self._buffers.holds(client, name, slot):  # after a bad checksum the chunks may come again
                    self._buffers.fail(client, name, slot, error, keep=isinstance(error, BadChecksum))

        slot.loading = asyncio.get_running_loop().create_task(load())


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
