"""What a person wishes of new notes, by region: resolved, checked, and the pitches that it leaves."""

from __future__ import annotations

from dataclasses import replace

from diffroll_live.errors import BadRegion, RequestError
from diffroll_live.limits import CONTROLS, Controls
from diffroll_live.types import Options, Region


def under(options: Options, region: Region) -> Region:
    """Give a region all its controls: its own, and where it has none, those of the request."""
    own = {name: getattr(region.controls, name) for name in CONTROLS}
    whole = {name: getattr(options, name) if value is None else value for name, value in own.items()}
    return replace(region, controls=Controls(**whole))


def pitches_of(region: Region) -> tuple[int, ...]:
    """The pitches that new notes of a region may have."""
    low, high = region.controls.range or (region.low, region.high)
    scale = region.controls.scale
    return tuple(
        pitch
        for pitch in range(max(low, region.low), min(high, region.high) + 1)
        if scale is None or pitch % 12 in scale.classes
    )


def check_controls(options: Options, region: Region) -> None:
    """Raise RequestError or BadRegion for controls of a region that are wrong, or that leave nothing to write."""
    for name, option in CONTROLS.items():
        value = getattr(region.controls, name)
        if value is not None:
            try:
                option.check(option.write(value))
            except RequestError as error:
                raise RequestError(f"{name} {error.text}.") from error
    where, whole = f"The region {region.onset:g}-{region.offset:g} s", under(options, region)
    shortest, longest = whole.controls.shortest, whole.controls.longest
    if shortest is not None and longest is not None and shortest > longest:
        raise BadRegion(f"{where} has a shortest note that is longer than its longest; exchange them.")
    if not pitches_of(whole):
        raise BadRegion(f"{where} is left without a pitch; widen its range, or choose another scale.")
