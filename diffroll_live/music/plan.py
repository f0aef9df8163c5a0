"""From a request to its plan: the one place where a request is checked, and its regions cut to where they may lie."""

from __future__ import annotations

from dataclasses import replace

from diffroll_live.errors import AudioError, BadRegion, RequestError
from diffroll_live.limits import MAX_KNOWN, MAX_REGIONS, REQUEST
from diffroll_live.music.regions import ROUNDING, check_region, kept
from diffroll_live.types import Options, Region, Request, RequestPlan


def plan_request(request: Request, max_seconds: float) -> RequestPlan:
    """Check a request and plan it for a model that takes ``max_seconds`` of audio.

    Raises BadRegion, RequestError or AudioError, whose sentences say how to fix it.
    """
    check_options(request.options)
    _check_audio(request, max_seconds)
    regions = _written(request)
    if len(request.known) > MAX_KNOWN:
        raise RequestError(f"There are {len(request.known)} notes; at most {MAX_KNOWN} fit in one job.")
    return RequestPlan(
        id=request.id,
        audio=None if request.task == "generate" else request.audio,
        regions=regions,
        hidden=_hidden(request, regions),
        kept=kept(request.known, regions),
        options=request.options,
        pictures=request.pictures,
        meter=request.meter,
        until=writable_span(request)[1],
        pedal=request.pedal,
    )


def check_options(options: Options) -> None:
    """Raise RequestError for an option outside its limits or choices."""
    for name, option in REQUEST.items():
        value = getattr(options, name)
        if value is not None:
            try:
                option.check(value)
            except RequestError as error:
                raise RequestError(f"{name} {error.text}.") from error


def writable_span(request: Request) -> tuple[float, float]:
    """Where the regions of a request may lie, in seconds: within its audio, or in the time after it."""
    seconds = request.options.seconds
    if request.task == "generate" or request.audio is None:
        return 0.0, seconds
    end = request.audio.seconds
    return (end, end + seconds) if request.task == "continue" else (0.0, end)


def _check_audio(request: Request, max_seconds: float) -> None:
    if request.task == "generate":
        return
    if request.audio is None:
        raise AudioError(f"The task {request.task} needs audio; send a buffer first.")
    if request.audio.seconds > max_seconds:
        raise AudioError(
            f"The audio is {request.audio.seconds:.0f} s long; at most {max_seconds:.0f} s fit. Send a part of it."
        )


def _written(request: Request) -> tuple[Region, ...]:
    """Where notes may be written: the regions of the request, or all of its span."""
    begin, end = writable_span(request)
    if not request.regions:
        if request.task == "inpaint":
            raise BadRegion("Inpainting needs at least one region that says where to write.")
        return (Region(begin, end, hear=request.task == "transcribe"),)
    if len(request.regions) > MAX_REGIONS:
        raise BadRegion(f"There are {len(request.regions)} regions; at most {MAX_REGIONS} fit in one job.")
    return tuple(_cut(region, begin, end, request.task) for region in request.regions)


def _cut(region: Region, begin: float, end: float, task: str) -> Region:
    """Cut a region to ``begin`` to ``end``, in seconds, if it reaches beyond by no more than ROUNDING."""
    check_region(region)
    inside = replace(region, onset=max(region.onset, begin), offset=min(region.offset, end))
    beyond = max(inside.onset - region.onset, region.offset - inside.offset)
    if beyond > ROUNDING or inside.onset >= inside.offset:
        raise BadRegion(
            f"The region {region.onset:g}-{region.offset:g} s extends beyond {begin:.2f} to {end:.2f} s, where the "
            f"regions of {task} must lie."
        )
    return inside


def _hidden(request: Request, regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Those of ``regions`` whose audio must not be heard, or has not been played yet."""
    if request.task == "transcribe":
        return ()
    to_come = request.task in ("continue", "generate")
    return tuple(region for region in regions if to_come or not region.hear)
