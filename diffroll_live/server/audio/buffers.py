"""The buffers of all clients: how many and how large they may be, and what their clients learn of them."""

from __future__ import annotations

from diffroll_live.config import ServerConfig
from diffroll_live.errors import DiffrollError, TooLarge, UnknownBuffer
from diffroll_live.osc.replies import AudioReady
from diffroll_live.server.buffer import Buffer
from diffroll_live.server.clients import Client, ClientTable
from diffroll_live.types import AudioBuffer

BYTES_PER_SAMPLE = 4  # of a finished buffer: mono float32


class BufferStore:
    """Puts buffers where their clients find them."""

    def __init__(self, config: ServerConfig, clients: ClientTable) -> None:
        self._config = config
        self._clients = clients

    @property
    def free_bytes(self) -> int:
        """Bytes that buffers may still take."""
        return self._config.max_total_bytes - self._clients.total_bytes()

    def find(self, client: Client, name: str) -> Buffer:
        """Find a buffer. Raises errors.UnknownBuffer."""
        try:
            return client.buffers[name]
        except KeyError:
            raise UnknownBuffer(f"There is no buffer {name!r}; open it, or name a file.") from None

    def put(self, client: Client, name: str, buffer: Buffer) -> Buffer:
        """Add a buffer, in place of an older one of that name. Raises errors.TooLarge."""
        older = client.buffers.get(name)
        self._check_memory(buffer.size_bytes, older)
        if older is None and len(client.buffers) >= self._config.max_buffers:
            raise TooLarge(f"{len(client.buffers)} buffers are open; free one with /diffroll/audio/free.")
        client.buffers.pop(name, None)
        client.buffers[name] = buffer
        if older is not None:
            older.free(UnknownBuffer(f"The buffer {name!r} was replaced."))
        return buffer

    def finish(self, client: Client, name: str, buffer: Buffer, audio: AudioBuffer) -> None:
        """Make a buffer ready; tell the client and whatever waits for it. Raises errors.TooLarge."""
        self._check_memory(audio.samples.nbytes, buffer)
        buffer.finish(audio)
        client.send(ready(name, audio))
        buffer.answer(None)

    def receive_again(self, client: Client, name: str, buffer: Buffer, error: DiffrollError) -> None:
        """Let a client send its chunks again, because of ``error``."""
        buffer.receive_again()
        client.send_error(name, error)
        buffer.answer(error)

    def fail(self, client: Client, name: str, buffer: Buffer, error: DiffrollError) -> None:
        """Drop a buffer, and tell its client and whatever waits for it why."""
        del client.buffers[name]
        client.send_error(name, error)
        buffer.free(error)

    def remove(self, client: Client, name: str) -> None:
        """Drop a buffer that its client no longer wants. Raises errors.UnknownBuffer."""
        buffer = self.find(client, name)
        del client.buffers[name]
        buffer.free(UnknownBuffer(f"The buffer {name!r} was freed."))

    def _check_memory(self, size_bytes: int, replaced: Buffer | None) -> None:
        if size_bytes > self.free_bytes + (replaced.size_bytes if replaced else 0):
            limit = self._config.max_total_bytes >> 20
            raise TooLarge(f"All buffers together may take {limit} MiB; free some, or raise server.max_total_bytes.")


def ready(name: str, audio: AudioBuffer) -> AudioReady:
    """Say that a buffer is ready."""
    return AudioReady(name, audio.seconds, audio.sample_rate)
