"""What the capture process says to the daemon, and its way over a pipe: a kind, a length, a payload. Opens nothing."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import Any

_HEAD = struct.Struct("<BI")  # kind, length of the payload
_STAMP = struct.Struct("<dI")  # of a block: at, lost
HEAD_BYTES = _HEAD.size
_MOST_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class InputDevice:
    """An input device. ``system`` is what reaches it: ALSA, JACK Audio Connection Kit, Core Audio and so on."""

    name: str
    system: str
    channels: int
    sample_rate: int  # Hz, its own
    is_default: bool  # of its system
    is_main: bool  # of this machine
    index: int  # in the process that lists it

    @property
    def label(self) -> str:
        """Name and system, which no two devices share as a rule."""
        return f"{self.name}, {self.system}"


@dataclass(frozen=True, slots=True)
class Opened:
    """Samples come next: ``channels`` of them, interleaved, at ``sample_rate`` Hz."""

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
    """The device is not there, cannot be opened, or is there no more: a code and a sentence of `errors`."""

    code: str
    text: str


Saying = InputDevice | Opened | Block | Refused

_KINDS: tuple[type[Any], ...] = (InputDevice, Opened, Block, Refused)


def pack(saying: Saying) -> bytes:
    """Write what is said."""
    if isinstance(saying, Block):
        payload = _STAMP.pack(saying.at, saying.lost << 1 | saying.overrun) + saying.data
    else:
        payload = json.dumps(asdict(saying)).encode()
    return _HEAD.pack(_KINDS.index(type(saying)), len(payload)) + payload


def unpack_head(head: bytes) -> tuple[int, int]:
    """Read the kind of what comes, and the length of its payload. Raises ValueError when it is no such thing."""
    kind, length = _HEAD.unpack(head)
    if kind >= len(_KINDS) or length > _MOST_BYTES:
        raise ValueError(f"kind {kind} with {length} bytes")
    return kind, length


def unpack(kind: int, payload: bytes) -> Saying:
    """Read what is said. Raises ValueError, TypeError or struct.error when it is no such thing."""
    if _KINDS[kind] is Block:
        at, lost = _STAMP.unpack_from(payload)
        return Block(at, lost >> 1, bool(lost & 1), payload[_STAMP.size :])
    saying: Saying = _KINDS[kind](**json.loads(payload))
    return saying
