"""What a job may choose with ``/diffroll/job/set``: what the engine is asked for, and where its notes go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from diffroll_live.errors import RequestError
from diffroll_live.limits import CHANNEL, DELIVER, REQUEST, Choice, Option, Text, Value
from diffroll_live.music.grid import Grid, parse_grid
from diffroll_live.music.scales import Scale, parse_scale
from diffroll_live.types import Options, Picture


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise RequestError(f"must be a string, not {value!r}")
    return value


#: What a job keeps for /diffroll/job/picture, by the words of the option.
PICTURES: dict[str, frozenset[Picture]] = {
    "none": frozenset(),
    "posterior": frozenset({"plot"}),
    "trajectory": frozenset({"plot", "trajectory"}),
}

DELIVERY: dict[str, Option] = {
    "deliver": DELIVER,
    "when": Choice(("now", "transport", "never"), default="now"),
    "channel": CHANNEL,
    "save": Text(_text, default=""),
    "quantize": Text(parse_grid),
    "scale": Text(parse_scale),
    "pictures": Choice(tuple(PICTURES), default="none"),
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the notes of a job go.

    when: MIDI as the notes come, as the DAW's playhead comes to them, or only on request. save: a path for a Standard
    MIDI File; empty saves none. quantize, scale: of notes on their way out. pictures: what is kept for the eye.
    """

    deliver: str = DELIVER.default
    when: str = DELIVERY["when"].default
    channel: int = CHANNEL.default
    save: str = DELIVERY["save"].default
    quantize: Grid | None = None
    scale: Scale | None = None
    pictures: str = DELIVERY["pictures"].default


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Everything that a job may choose."""

    OPTIONS: ClassVar[Mapping[str, Option]] = {**REQUEST, **DELIVERY}

    options: Options = field(default_factory=Options)
    delivery: Delivery = field(default_factory=Delivery)
