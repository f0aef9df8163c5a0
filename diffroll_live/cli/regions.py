"""Regions as people type them: ``4.0-6.5``, ``4-6@C3-C5``, ``4-8,density=1.5,scale=Dmin``. Text to `types.Region`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from diffroll_live.errors import BadRegion, RequestError
from diffroll_live.limits import CONTROLS, Controls, Limit, set_option
from diffroll_live.notation.pitches import HIGH_PITCH, LOW_PITCH, PITCH, parse_pitch, pitch_name
from diffroll_live.types import Region

_TIME = r"(\d{1,7}(?:\.\d{0,12})?)"
_REGION = re.compile(rf"{_TIME}-{_TIME}(?:@{PITCH}(?:-{PITCH})?)?")


def parse_region(text: str, *, hear: bool = False) -> Region:
    """Read ``FROM-TO`` in seconds, with an optional ``@LOW-HIGH`` in note names (C4 is 60) or MIDI numbers.

    One pitch, ``@C4``, means that pitch alone. Controls of the region follow: ``,density=1.5,scale=D minor``.
    Raises BadRegion when the text is no region, the region is empty or reversed, a pitch is not on the piano, or a
    control is not one.
    """
    place, *wishes = text.split(",")
    match = _REGION.fullmatch(place.strip())
    if match is None:
        raise BadRegion(f"'{text}' is not a region; write FROM-TO in seconds, e.g. 4.0-6.5 or 4.0-6.5@C3-C5.")
    onset, offset = float(match[1]), float(match[2])
    if onset >= offset:
        raise BadRegion(f"The region {text} is empty or reversed; write the earlier time first.")
    try:
        low = parse_pitch(match[3]) if match[3] else LOW_PITCH
        high = parse_pitch(match[4] or match[3]) if match[3] else HIGH_PITCH
        controls = _controls(wishes)
    except RequestError as error:
        raise BadRegion(f"In the region {text}: {error.text}") from error
    if low > high:
        raise BadRegion(f"The pitches of region {text} are reversed; write the lower one first.")
    return Region(onset, offset, low, high, hear, controls)


def _controls(wishes: Sequence[str]) -> Controls:
    """Read ``density=1.5`` and its like. Raises RequestError."""
    controls = Controls()
    for wish in wishes:
        name, _, value = (part.strip() for part in wish.partition("="))
        option = CONTROLS.get(name)
        is_number = isinstance(option, Limit) and re.fullmatch(r"-?\d{1,9}(\.\d{0,9})?", value)
        controls = set_option(controls, name, float(value) if is_number else value)
    return controls


def format_region(region: Region) -> str:
    """Write a region so that `parse_region` reads the same place back, to the microsecond."""
    times = f"{_seconds(region.onset)}-{_seconds(region.offset)}"
    if (region.low, region.high) == (LOW_PITCH, HIGH_PITCH):
        return times
    return f"{times}@{pitch_name(region.low)}-{pitch_name(region.high)}"


def _seconds(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
