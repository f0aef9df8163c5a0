"""A stream of chunks without an end: each is taken as it comes in. No sockets, no clock."""

from __future__ import annotations

import numpy as np

from diffroll_live.audio.chunks import ChunkPlan
from diffroll_live.audio.clock import Arrival
from diffroll_live.audio.pcm import FORMATS, from_bytes
from diffroll_live.errors import AudioError, ProtocolError
from diffroll_live.types import Floats


class ChunkStream:
    """Takes the chunks of a stream in order; one that comes after a later one is ignored.

    Raises errors.AudioError or errors.ProtocolError for an impossible layout.
    """

    def __init__(self, name: str, sample_rate: int, channels: int, fmt: str, chunk_bytes: int) -> None:
        frames = chunk_bytes // (FORMATS[fmt].itemsize * max(1, channels)) if fmt in FORMATS else 1
        self._plan = ChunkPlan(name, sample_rate, channels, frames, fmt, chunk_bytes)  # of one chunk
        self._next = 0
        self.received = 0

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return self._plan.sample_rate

    @property
    def window(self) -> int:
        """Chunks between two acks."""
        return self._plan.window

    @property
    def ack_due(self) -> bool:
        """Whether the client waits for an ack."""
        return self.received % self.window == 0

    def take(self, index: int, data: bytes | Floats, now: float) -> Arrival | None:
        """Read a chunk that came in ``now``, of any length up to the largest; None for one that came too late.

        Its last sample sounds as it comes in. Raises errors.ProtocolError, errors.AudioError.
        """
        samples = self._read(index, data)
        if index < self._next:
            return None
        missed, self._next = index - self._next, index + 1
        self.received += 1
        return Arrival(samples, now - len(samples) / self.sample_rate, missed > 0, missed * len(samples))

    def _read(self, index: int, data: bytes | Floats) -> Floats:
        if index < 0:
            raise ProtocolError(f"There is no chunk {index}; count from 0.")
        if not isinstance(data, bytes) and self._plan.fmt != "f32":
            raise ProtocolError("Lists of floats go into f32 buffers; send blobs, or open the buffer as f32.")
        raw = data if isinstance(data, bytes) else data.astype("<f4").tobytes()
        step = FORMATS[self._plan.fmt].itemsize * self._plan.channels
        if not 0 < len(raw) <= self._plan.chunk_bytes or len(raw) % step:
            largest = self._plan.chunk_bytes
            raise ProtocolError(
                f"Chunk {index} has {len(raw)} bytes; send whole frames of {step} bytes, {largest} bytes at most."
            )
        samples = from_bytes(raw, self._plan.fmt, self._plan.channels)
        if not np.isfinite(samples).all():
            raise AudioError(f"Chunk {index} has samples that are NaN or infinite; it is left out.")
        return samples
