"""Chunks in any order to one AudioBuffer: bounded, checked, with a list of what is missing. No sockets, no clock."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from diffroll_live.audio.pcm import FORMATS, check_layout, from_bytes, make_buffer, mix_of
from diffroll_live.errors import AudioError, BadChecksum, ProtocolError, TooLarge
from diffroll_live.types import AudioBuffer, Floats

MAX_CHUNK_BYTES = 1 << 20
MAX_CHUNKS = 1 << 20
_WINDOW_BYTES = 1 << 18  # bytes under way between two acks
_MAX_WINDOW = 64  # chunks

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """How a buffer is cut: ``frames`` of interleaved ``fmt`` samples, ``chunk_bytes`` in every chunk but the last.

    Raises errors.AudioError, errors.ProtocolError or errors.TooLarge at once, before any memory is taken.
    """

    name: str
    sample_rate: int  # Hz
    channels: int
    frames: int
    fmt: str
    chunk_bytes: int
    origin: float = 0.0  # s

    def __post_init__(self) -> None:
        check_layout(self.sample_rate, self.channels)
        if self.fmt not in FORMATS:
            raise AudioError(f"The format {self.fmt!r} is unknown; send {' or '.join(FORMATS)}.")
        if self.frames <= 0:
            raise AudioError(f"A buffer of {self.frames} frames has no audio; select a longer range.")
        if not 1 <= self.chunk_bytes <= MAX_CHUNK_BYTES:
            raise ProtocolError(f"Chunks of {self.chunk_bytes} bytes are outside 1 to {MAX_CHUNK_BYTES}.")
        if self.chunks > MAX_CHUNKS:
            raise TooLarge(f"{self.chunks} chunks are more than {MAX_CHUNKS}; make the chunks larger.")

    @property
    def total_bytes(self) -> int:
        """Size of the whole buffer on the wire."""
        return self.frames * self.channels * FORMATS[self.fmt].itemsize

    @property
    def seconds(self) -> float:
        """Length of the buffer."""
        return self.frames / self.sample_rate

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-self.total_bytes // self.chunk_bytes)

    @property
    def window(self) -> int:
        """Chunks that a client may send between two acks."""
        return max(1, min(_MAX_WINDOW, _WINDOW_BYTES // self.chunk_bytes))

    def size(self, index: int) -> int:
        """Bytes of chunk ``index``."""
        return min(self.chunk_bytes, self.total_bytes - index * self.chunk_bytes)


@dataclass(slots=True)
class ChunkAssembly:
    """A buffer on its way here. Chunks may come in any order and any number of times."""

    plan: ChunkPlan
    raw: Bytes = field(init=False, repr=False)  # (total_bytes,); zeros take no memory until they are written
    _arrived: npt.NDArray[np.bool_] = field(init=False, repr=False)  # (chunks,)
    received: int = 0  # distinct chunks
    messages: int = 0  # chunk messages, repeats counted

    def __post_init__(self) -> None:
        self.raw = np.zeros(self.plan.total_bytes, np.uint8)
        self._arrived = np.zeros(self.plan.chunks, np.bool_)

    def add(self, index: int, data: bytes | Floats) -> bool:
        """Store a chunk; True when an ack is due. Raises errors.ProtocolError for a chunk that is not in the plan."""
        if not 0 <= index < self.plan.chunks:
            raise ProtocolError(f"Chunk {index} is outside 0 to {self.plan.chunks - 1}.")
        payload = data if isinstance(data, bytes) else self._payload(data)
        if len(payload) != self.plan.size(index):
            raise ProtocolError(f"Chunk {index} has {len(payload)} bytes and should have {self.plan.size(index)}.")
        at = index * self.plan.chunk_bytes
        self.raw[at : at + len(payload)] = np.frombuffer(payload, np.uint8)
        self.received += not self._arrived[index]
        self._arrived[index] = True
        self.messages += 1
        return self.messages % self.plan.window == 0

    def missing(self, limit: int = MAX_CHUNKS) -> tuple[int, ...]:
        """List the first ``limit`` chunks that have not arrived, in order."""
        return tuple(np.flatnonzero(~self._arrived)[:limit].tolist())

    def finish(self, crc32: int) -> AudioBuffer:
        """Make the buffer. ``crc32`` is of the bytes as sent, signed or not; 0 leaves it unchecked.

        Raises errors.BadChecksum, after which every chunk counts as missing, and errors.AudioError.
        """
        if crc32 and zlib.crc32(self.raw.data) != crc32 & 0xFFFFFFFF:
            self._arrived[:] = False
            self.received = 0
            raise BadChecksum("The chunks do not match their checksum; send all of them again.")
        mix = mix_of(self.raw, self.plan.fmt, self.plan.channels)
        samples = from_bytes(self.raw, self.plan.fmt, self.plan.channels, mix)
        remarks = (mix.remark,) if mix.remark else ()
        return make_buffer(self.plan.name, samples, self.plan.sample_rate, self.plan.origin, remarks)

    def _payload(self, samples: Floats) -> bytes:
        if self.plan.fmt != "f32":
            raise ProtocolError("Lists of floats go into f32 buffers; send blobs, or open the buffer as f32.")
        return samples.astype("<f4").tobytes()
