"""From a request to its plan: the one place where a request is checked, and its regions cut to where they may lie."""

from __future__ import annotations

from dataclasses import replace

from diffroll_live.errors import AudioError, BadRegion, RequestError
from diffroll_live.limits import AS_AROUND, LIMITS, MAX_KNOWN, MAX_REGIONS, REQUEST
from diffroll_live.music.controls import check_controls
from diffroll_live.music.regions import LAST_SECOND, ROUNDING, check_region, kept, spans_of
from diffroll_live.types import Options, Region, Request, RequestPlan

STEPS_PER_BEAT = 4  # sixteenths in a quarter note


def plan_request(request: Request, max_seconds: float) -> RequestPlan:
    """Check a request and plan it for a model that takes ``max_seconds`` of audio.

    Raises BadRegion, RequestError or AudioError, whose sentences say how to fix it.
    """
    check_options(request.options)
    _check_audio(request, max_seconds)
    regions = _written(request)
    hidden = _hidden(request, regions)
    _check_hidden(hidden)
    for region in regions:
        if region in hidden:
            check_controls(request.options, region)
        elif region.controls != AS_AROUND:
            where = f"The region {region.onset:g}-{region.offset:g} s"
            raise BadRegion(f"{where} is heard, and its controls are for what is written; hide it, or take them away.")
    if len(request.known) + len(request.locked) > MAX_KNOWN:
        n_notes = len(request.known) + len(request.locked)
        raise RequestError(f"There are {n_notes} notes; at most {MAX_KNOWN} fit in one job.")
    stay = tuple(sorted((*kept(request.known, regions), *request.locked)))
    staying = frozenset(stay)
    return RequestPlan(
        id=request.id,
        audio=None if request.task == "generate" else request.audio,
        regions=regions,
        hidden=hidden,
        kept=stay,
        locked=request.locked,
        options=request.options,
        pictures=request.pictures,
        meter=request.meter,
        until=writable_span(request)[1],
        pedal=request.pedal,
        bends=tuple(bend for bend in request.bends if bend.note in staying),
    )


def check_options(options: Options) -> None:
    """Raise RequestError for an option outside its limits or choices."""
    for name, option in REQUEST.items():
        value = getattr(options, name)
        if value is not None:
            try:
                option.check(option.write(value))
            except RequestError as error:
                raise RequestError(f"{name} {error.text}.") from error


def writable_span(request: Request) -> tuple[float, float]:
    """Where the regions of a request may lie, in seconds: within its audio, in the time after it, or among its notes.

    Notes without audio may be filled anywhere, and are continued from where the last of them ends.
    """
    seconds = request.options.seconds
    if request.task == "generate":
        return 0.0, seconds
    end = request.audio.seconds if request.audio is not None else _end_of_notes(request)
    if request.task == "continue":
        return end, end + seconds
    return 0.0, end if request.audio is not None else LAST_SECOND


def _check_audio(request: Request, max_seconds: float) -> None:
    if request.task == "generate":
        return
    if request.audio is None:
        if request.task == "transcribe":
            raise AudioError("The task transcribe needs audio; send a buffer first.")
        if not (request.known or request.locked):
            raise AudioError(
                f"The task {request.task} needs audio or notes; send a buffer, or the notes that you have."
            )
        return
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


def _end_of_notes(request: Request) -> float:
    """Where the last note ends, in seconds: at its nearest sixteenth, where somebody knows the beat."""
    end = max(note.offset for note in (*request.known, *request.locked))
    if request.meter is None or request.meter.source == "none":
        return end
    tempo = request.meter.tempo
    return tempo.position_at(round(tempo.beat_at(end) * STEPS_PER_BEAT) / STEPS_PER_BEAT)


def _check_hidden(hidden: tuple[Region, ...]) -> None:
    """Raise BadRegion for more to write than anybody waits for."""
    seconds = sum(offset - onset for onset, offset in spans_of(hidden))
    longest = LIMITS["seconds"].high
    if seconds > longest + ROUNDING:
        raise BadRegion(f"The regions to write are {seconds:.0f} s long; at most {longest:g} s fit in one job.")


def _hidden(request: Request, regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Those of ``regions`` whose audio must not be heard, or has not been played yet."""
    if request.task == "transcribe":
        return ()
    to_come = request.audio is None or request.task in ("continue", "generate")
    return tuple(region for region in regions if to_come or not region.hear)
