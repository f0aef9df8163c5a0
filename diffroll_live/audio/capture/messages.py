"""What the capture process sends to the daemon over a pipe: a kind, a length, a payload. Opens nothing."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import Any

_HEAD = struct.Struct("<BI")  # kind, length of the payload
_STAMP = struct.Struct("<dI")  # of a block: at, lost
HEAD_BYTES = _HEAD.size
_MAX_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class InputDevice:
    """An input device. ``system`` is its audio system: ALSA, JACK Audio Connection Kit, Core Audio and so on."""

    name: str
    system: str
    channels: int
    sample_rate: int  # Hz, its own
    is_default: bool  # of its system
    is_main: bool  # of this machine
    index: int  # in the process that lists it

    @property
    def label(self) -> str:
        """Name and system; as a rule no two devices share both."""
        return f"{self.name}, {self.system}"


@dataclass(frozen=True, slots=True)
class Opened:
    """The device is open: blocks of ``channels`` interleaved channels at ``sample_rate`` Hz follow."""

    device: str
    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class Block:
    """Interleaved float32 samples, the first of which sounded ``at``, as audio/clock.py says of an arrival."""

    at: float
    lost: int  # frames before it, where their number is known
    overrun: bool  # whether there was a loss
    data: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The device is absent, cannot be opened, or is gone: a code and a sentence of `errors`."""

    code: str
    text: str


CaptureMessage = InputDevice | Opened | Block | Refused

_KINDS: tuple[type[Any], ...] = (InputDevice, Opened, Block, Refused)


def pack(message: CaptureMessage) -> bytes:
    """Write a message."""
    if isinstance(message, Block):
        payload = _STAMP.pack(message.at, message.lost << 1 | message.overrun) + message.data
    else:
        payload = json.dumps(asdict(message)).encode()
    return _HEAD.pack(_KINDS.index(type(message)), len(payload)) + payload


def unpack_head(head: bytes) -> tuple[int, int]:
    """Read the kind of a message and the length of its payload. Raises ValueError where there is no message."""
    kind, length = _HEAD.unpack(head)
    if kind >= len(_KINDS) or length > _MAX_BYTES:
        raise ValueError(f"kind {kind} with {length} bytes")
    return kind, length


def unpack(kind: int, payload: bytes) -> CaptureMessage:
    """Read a message. Raises ValueError, TypeError or struct.error for a payload that is none."""
    if _KINDS[kind] is Block:
        at, lost = _STAMP.unpack_from(payload)
        return Block(at, lost >> 1, bool(lost & 1), payload[_STAMP.size :])
    message: CaptureMessage = _KINDS[kind](**json.loads(payload))
    return message
