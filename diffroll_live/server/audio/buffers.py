"""The buffers of all clients: how many and how large they may be, and what waits for them. Reads and hears nothing."""

from __future__ import annotations

from collections.abc import Callable

from diffroll_live.config import ServerConfig
from diffroll_live.errors import DiffrollError, TooLarge, UnknownBuffer
from diffroll_live.osc.replies import AudioReady
from diffroll_live.server.clients import BufferSlot, Client, ClientTable
from diffroll_live.types import AudioBuffer

BYTES_PER_SAMPLE = 4  # of a finished buffer: mono float32

Then = Callable[[DiffrollError | None], None]


class BufferStore:
    """Puts buffers where their clients find them."""

    def __init__(self, config: ServerConfig, clients: ClientTable) -> None:
        self._config = config
        self._clients = clients

    @property
    def room(self) -> int:
        """Bytes that buffers may still take."""
        return self._config.max_total_bytes - self._clients.total_bytes()

    def slot(self, client: Client, name: str) -> BufferSlot:
        """Find a buffer. Raises errors.UnknownBuffer."""
        try:
            return client.buffers[name]
        except KeyError:
            raise UnknownBuffer(f"There is no buffer {name!r}; open it, or name a file.") from None

    def holds(self, client: Client, name: str, slot: BufferSlot) -> bool:
        """Tell whether a buffer is still the one of that name."""
        return client.buffers.get(name) is slot

    def put(self, client: Client, name: str, slot: BufferSlot) -> BufferSlot:
        """Add a buffer, in the place of an older one of that name. Raises errors.TooLarge."""
        older = client.buffers.get(name)
        self._check_memory(slot.size_bytes, older)
        if older is None and len(client.buffers) >= self._config.max_buffers:
            raise TooLarge(f"{len(client.buffers)} buffers are open; free one with /diffroll/audio/free.")
        client.buffers.pop(name, None)
        client.buffers[name] = slot
        if older is not None:
            _release(older, UnknownBuffer(f"The buffer {name!r} was replaced."))
        return slot

    def finish(self, client: Client, name: str, slot: BufferSlot, audio: AudioBuffer) -> None:
        """Make a buffer whole, and tell the client and whatever waits for it. Raises errors.TooLarge."""
        self._check_memory(audio.samples.nbytes, slot)
        slot.size_bytes = audio.samples.nbytes
        slot.audio, slot.assembly, slot.loading = audio, None, None
        client.send(ready(name, audio))
        _release(slot, None)

    def fail(self, client: Client, name: str, slot: BufferSlot, error: DiffrollError, *, keep: bool = False) -> None:
        """Tell the client and whatever waits for a buffer what became of it, and drop it unless it is to be kept."""
        if not keep:
            del client.buffers[name]
        client.send_error(name, error)
        _release(slot, error)

    def remove(self, client: Client, name: str) -> None:
        """Forget a buffer. Raises errors.UnknownBuffer."""
        slot = self.slot(client, name)
        del client.buffers[name]
        _release(slot, UnknownBuffer(f"The buffer {name!r} was freed."))

    def _check_memory(self, size_bytes: int, replaced: BufferSlot | None) -> None:
        if size_bytes > self.room + (replaced.size_bytes if replaced else 0):
            limit = self._config.max_total_bytes >> 20
            raise TooLarge(f"All buffers together may take {limit} MiB; free some, or raise server.max_total_bytes.")


def ready(name: str, audio: AudioBuffer) -> AudioReady:
    """Say that a buffer is whole."""
    return AudioReady(name, audio.seconds, audio.sample_rate)


def _release(slot: BufferSlot, error: DiffrollError | None) -> None:
    slot.end()
    waiting, slot.waiting = slot.waiting, []
    for then in waiting:
        then(error)
