"""What a jam may choose with ``/diffroll/jam/set``, its cue included."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from diffroll_live.errors import RequestError
from diffroll_live.limits import JAM, Option, Text, Value
from diffroll_live.types import Options

SUSTAIN = 64  # the controller of the pedal
_CUE = re.compile(r"(note|cc) (\d{1,3})")


@dataclass(frozen=True, slots=True)
class Cue:
    """What gives the model its turn besides a rest: a note or a controller of this number, or neither."""

    note: int | None = None
    control: int | None = None


def parse_cue(value: Value) -> Cue:
    """Read ``none``, ``pedal``, ``note N`` or ``cc N``.

    Raises errors.RequestError, whose sentence lacks the option's name.
    """
    if value == "none":
        return Cue()
    if value == "pedal":
        return Cue(control=SUSTAIN)
    found = _CUE.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[2]) > 127:
        raise RequestError(f"must be none, pedal, 'note N' or 'cc N' with N from 0 to 127, not {value!r}")
    number = int(found[2])
    return Cue(note=number) if found[1] == "note" else Cue(control=number)


CUE = Text(parse_cue, default="none", sentence="What gives the model its turn: none, pedal, 'note N' or 'cc N'.")


@dataclass(frozen=True, slots=True)
class JamSettings:
    """How a jam goes; limits.JAM says what each option means."""

    OPTIONS: ClassVar[Mapping[str, Option]] = {"cue": CUE, **JAM}

    cue: Cue = Cue()
    rest_bars: float = JAM["rest_bars"].default
    tempo: float = JAM["tempo"].default  # BPM
    beats: float = JAM["beats"].default  # a bar
    memory: float = JAM["memory"].default  # s
    ahead: float = JAM["ahead"].default  # s
    lead: float = JAM["lead"].default  # s
    channel: int = JAM["channel"].default  # 1..16
    options: Options = field(default_factory=Options)
