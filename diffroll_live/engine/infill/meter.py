"""The bars and beats that a request is written in: its own, an estimate, or steps without bars."""

from __future__ import annotations

from dataclasses import replace

from diffroll_live.meter.meter_map import MeterMap, steady_meter
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.beats import estimate_meter, keeps_to
from diffroll_live.types import RequestPlan

UNTIMED_TEMPO = 300.0  # quarters a minute, whose sixteenths are steps of 50 ms
USUAL_TEMPO = 100.0  # of music that is written from nothing


def meter_for(request: RequestPlan, given: NoteArray) -> MeterMap:
    """The map to write by; ``given`` are rows (onset s, offset s, pitch, velocity) of the notes around.

    The DAW's is not believed where the notes do not keep to it: they were played without it. Where nobody says and the
    notes keep to no beat, the source is "none" and the steps are 50 ms.
    """
    meter = request.meter
    if meter is not None and (meter.source != "transport" or keeps_to(given, meter)):
        return meter
    begin = min((region.onset for region in request.hidden), default=0.0)
    if not len(given):
        return replace(steady_meter(USUAL_TEMPO, bar_at=begin), source="estimated", confidence=0.0)
    estimated = estimate_meter(given)
    if estimated.source == "none":
        return replace(steady_meter(UNTIMED_TEMPO, bar_at=begin), source="none", confidence=0.0)
    return estimated
