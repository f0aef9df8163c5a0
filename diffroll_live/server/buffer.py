"""One audio buffer of a client: its states from opening to end, and what it holds in each. No sockets."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from diffroll_live.audio.chunk_stream import ChunkStream
from diffroll_live.audio.chunks import ChunkAssembly
from diffroll_live.audio.live_buffer import LiveBuffer
from diffroll_live.errors import DiffrollError, Incomplete, InternalError
from diffroll_live.types import AudioBuffer

Then = Callable[[DiffrollError | None], None]
"""Is called when a buffer is ready, or with the error that kept it from being so."""


class BufferState(Enum):
    """What a buffer is doing."""

    RECEIVING = "receiving"  # chunks come in, in any order; some are missing
    LOADING = "loading"  # a file is read, or the chunks are put together and checked
    LIVE = "live"  # a device, or a stream of chunks without an end, fills it
    READY = "ready"  # jobs can use it
    FREED = "freed"  # it belongs to nobody any more


_NEXT: dict[BufferState, frozenset[BufferState]] = {
    BufferState.RECEIVING: frozenset({BufferState.LOADING, BufferState.FREED}),
    BufferState.LOADING: frozenset({BufferState.READY, BufferState.RECEIVING, BufferState.FREED}),
    BufferState.LIVE: frozenset({BufferState.READY, BufferState.FREED}),
    BufferState.READY: frozenset({BufferState.FREED}),
    BufferState.FREED: frozenset(),
}


class Buffer:
    """A buffer that begins to receive the chunks of ``assembly``, to be filled by ``live``, or else to be loaded.

    ``stream`` reads the chunks that fill a live buffer, where no device does. ``size_bytes`` is what it is counted for.
    """

    def __init__(
        self,
        size_bytes: int,
        *,
        assembly: ChunkAssembly | None = None,
        live: LiveBuffer | None = None,
        stream: ChunkStream | None = None,
    ) -> None:
        self.size_bytes = size_bytes
        self.stream = stream
        self.touched = time.monotonic()  # when its client last sent something for it
        self.state = BufferState.LOADING
        if assembly is not None:
            self.state = BufferState.RECEIVING
        elif live is not None:
            self.state = BufferState.LIVE
        self._assembly, self._live = assembly, live
        self._audio: AudioBuffer | None = None
        self._waiting: list[Then] = []

    @property
    def assembly(self) -> ChunkAssembly | None:
        """The chunks that have come; None unless it is RECEIVING."""
        return self._assembly if self.state is BufferState.RECEIVING else None

    @property
    def live(self) -> LiveBuffer | None:
        """What fills it; None unless it is LIVE."""
        return self._live

    @property
    def audio(self) -> AudioBuffer | None:
        """What it holds; None unless it is READY."""
        return self._audio

    @property
    def is_captured(self) -> bool:
        """Whether an input device fills it."""
        return self.state is BufferState.LIVE and self.stream is None

    def snapshot(self, name: str) -> AudioBuffer | None:
        """Return the audio for a job, of a live buffer its last seconds; None while it is LOADING.

        Raises errors.Incomplete where chunks are missing, or where a live buffer has no sound yet.
        """
        if self._live is not None:
            return self._live.snapshot()
        if self.assembly is not None:
            count = self.assembly.plan.chunks - self.assembly.received
            raise Incomplete(f"The buffer {name!r} lacks {count} chunks, or its close; send them first.")
        return self._audio

    def wait(self, then: Then) -> None:
        """Call ``then`` when it stops LOADING."""
        self._waiting.append(then)

    def load(self) -> None:
        """Go on to LOADING: all chunks have come."""
        self._enter(BufferState.LOADING)

    def receive_again(self) -> None:
        """Go back to RECEIVING: the chunks were damaged on their way."""
        self._enter(BufferState.RECEIVING)

    def finish(self, audio: AudioBuffer) -> None:
        """Become READY; a live buffer stops first, and its notes end."""
        self._enter(BufferState.READY)
        self.size_bytes, self._audio = audio.samples.nbytes, audio

    def free(self, reason: DiffrollError) -> None:
        """Become FREED, and tell whatever waits why. Safe to call again."""
        if self.state is not BufferState.FREED:
            self._enter(BufferState.FREED)
            self._audio = None
            self.answer(reason)

    def answer(self, error: DiffrollError | None) -> None:
        """Answer whatever waits."""
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then(error)

    def _enter(self, state: BufferState) -> None:
        if state not in _NEXT[self.state]:
            raise InternalError(f"A buffer cannot go from {self.state.value} to {state.value}; report this.")
        self.state = state
        if state in {BufferState.READY, BufferState.FREED}:
            live, self._live, self._assembly = self._live, None, None
            if live is not None:
                live.close()
