"""The settings of a job (``/diffroll/job/set``): the engine's options, and where the notes go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from diffroll_live.errors import RequestError
from diffroll_live.limits import CHANNEL, DELIVER, REQUEST, Choice, Limit, Option, Text, Value
from diffroll_live.meter.meter_map import LAST_SECOND
from diffroll_live.music.grid import Grid, grid_text, parse_grid
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
    "origin": Limit(-LAST_SECOND, LAST_SECOND, unit="s", default=0.0),
    "save": Text(_text, default=""),
    "quantize": Text(parse_grid, grid_text),
    "pictures": Choice(tuple(PICTURES), default="none"),
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the notes of a job go.

    when: play notes as they arrive, when the DAW's playhead reaches them, or only on request. origin: the DAW's
    position of second 0, in seconds, where there is no buffer. save: the path of a MIDI file, or empty. quantize:
    applied to notes as they are sent. pictures: what is kept for the eye.
    """

    deliver: str = DELIVER.default
    when: str = DELIVERY["when"].default
    channel: int = CHANNEL.default
    origin: float = DELIVERY["origin"].default
    save: str = DELIVERY["save"].default
    quantize: Grid | None = None
    pictures: str = DELIVERY["pictures"].default


@dataclass(frozen=True, slots=True)
class JobSettings:
    """All settings of a job."""

    OPTIONS: ClassVar[Mapping[str, Option]] = {**REQUEST, **DELIVERY}

    options: Options = field(default_factory=Options)
    delivery: Delivery = field(default_factory=Delivery)
