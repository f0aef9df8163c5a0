"""The sustain pedal of what is written: that of the bars around goes on, where a hole has none of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diffroll_live.meter.meter_map import Bar, MeterMap
from diffroll_live.music.pedal import SHORTEST, apart
from diffroll_live.music.regions import spans_of
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.types import PedalSpan, RequestPlan

MOST_BARS = 4  # of a pattern that comes again
LEEWAY = 1e-3  # beats


def carried_on(plan: RequestPlan, pedal: Sequence[PedalSpan], meter: MeterMap) -> tuple[PedalSpan, ...]:
    """``pedal`` and what goes on of it in the hidden regions of all keys, sorted; nothing of it is changed.

    As many bars as a hole has, four at most, are taken from before it, or else from after it, on the channels of the
    user's own notes. A hole over which the pedal goes already is left as it is: what sounds there is the user's.
    """
    whole = [region for region in plan.hidden if (region.low, region.high) == (LOW_PITCH, HIGH_PITCH)]
    channels = {note.channel for note in plan.kept} - {note.channel for note in plan.locked}
    new: list[PedalSpan] = []
    for begin, end in spans_of(whole):
        for channel in channels:
            own = [span for span in pedal if span.channel == channel]
            if not any(span.down < end and span.up > begin for span in own):
                new += apart(_pattern(own, begin, end, meter))
    return tuple(sorted([*pedal, *new]))


def _pattern(own: Sequence[PedalSpan], begin: float, end: float, meter: MeterMap) -> Iterator[PedalSpan]:
    bars = meter.bars(begin, end)
    first, last = bars[0].beat, bars[-1].beat + bars[-1].beats
    tempo = meter.tempo
    for source in (_before(meter, first, len(bars)), _after(meter, last, len(bars))):
        low, high = source[0].beat, source[-1].beat + source[-1].beats
        spans = [(tempo.beat_at(span.down), tempo.beat_at(span.up)) for span in own]
        found = [(max(down, low), min(up, high)) for down, up in spans if down < high - LEEWAY and up > low + LEEWAY]
        shift = first - low
        while found and low + shift < last - LEEWAY:
            for down, up in found:
                times = tempo.position_at(down + shift), tempo.position_at(up + shift)
                lifted = max(times[0], begin + SHORTEST), min(times[1], end - SHORTEST)  # apart from what is around
                if lifted[0] < lifted[1]:
                    yield PedalSpan(*lifted, own[0].channel)
            shift += high - low
        if found:
            return


def _before(meter: MeterMap, beat: float, count: int) -> list[Bar]:
    bars: list[Bar] = []
    while len(bars) < min(count, MOST_BARS):
        bars.insert(0, meter.bar_at(bars[0].beat - LEEWAY if bars else beat - LEEWAY))
    return bars


def _after(meter: MeterMap, beat: float, count: int) -> list[Bar]:
    bars: list[Bar] = []
    while len(bars) < min(count, MOST_BARS):
        bars.append(meter.bar_at(bars[-1].beat + bars[-1].beats if bars else beat))
    return bars
