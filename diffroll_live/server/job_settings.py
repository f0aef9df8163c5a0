"""The keys of ``/diffroll/job/set``: how each value is checked and where it goes. One row a key."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from diffroll_live.errors import RequestError
from diffroll_live.limits import LIMITS, SAMPLER_NAMES, Limit
from diffroll_live.music.grid import Grid, parse_grid
from diffroll_live.music.scales import Scale, parse_scale
from diffroll_live.types import QUALITIES, Options

DELIVERIES = ("osc", "midi", "both")
TIMES = ("now", "transport", "never")  # MIDI as the notes come, as the DAW's playhead comes to them, or when told to


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the notes of a job go."""

    deliver: str = "both"  # one of DELIVERIES
    when: str = "now"  # one of TIMES
    channel: int = 1  # 1..16
    save: str = ""  # a path for a Standard MIDI File; empty saves none
    quantize: Grid | None = None  # of the DAW, for notes on their way out
    scale: Scale | None = None  # for notes on their way out


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a job may choose."""

    options: Options = field(default_factory=Options)
    delivery: Delivery = field(default_factory=Delivery)


Check = Callable[[str | float], Any]


def _one_of(names: tuple[str, ...]) -> Check:
    def check(value: str | float) -> str:
        if value not in names:
            raise RequestError(f"must be {' or '.join(names)}, not {value!r}")
        return str(value)

    return check


def _text(value: str | float) -> str:
    if not isinstance(value, str):
        raise RequestError(f"must be a string, not {value!r}")
    return value


OPTION_KEYS: dict[str, Check] = {
    "quality": _one_of(QUALITIES),
    "sampler": _one_of(SAMPLER_NAMES),
    **{name: limit.check for name, limit in LIMITS.items()},
}
DELIVERY_KEYS: dict[str, Check] = {
    "deliver": _one_of(DELIVERIES),
    "when": _one_of(TIMES),
    "channel": Limit(1, 16, whole=True).check,
    "save": _text,
    "quantize": parse_grid,
    "scale": parse_scale,
}
KEYS: Mapping[str, Check] = {**OPTION_KEYS, **DELIVERY_KEYS}


def change(settings: Settings, key: str, value: str | float) -> Settings:
    """Set one key. Raises errors.RequestError that names the key and what it may be."""
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.0)[0]
        raise RequestError(f"There is no option {key!r}; did you mean {near!r}?")
    try:
        checked = KEYS[key](value)
    except RequestError as error:
        raise RequestError(f"The option {key} {error}.") from error
    if key in OPTION_KEYS:
        return replace(settings, options=replace(settings.options, **{key: checked}))
    return replace(settings, delivery=replace(settings.delivery, **{key: checked}))
