"""Musical time as it will go by on the clock: a loop of the DAW unrolled, lap after lap. Arithmetic only."""

from __future__ import annotations

from collections.abc import Iterator

from diffroll_live.limits import MAX_METER_CHANGES
from diffroll_live.meter.meter_map import Signature
from diffroll_live.meter.tempo_map import TempoChange, TempoMap
from diffroll_live.midi.playhead import Loop, PlayheadModel

HORIZON = 60.0  # s that are looked ahead
MOST_LAPS = 64
MOST_CHANGES = MAX_METER_CHANGES // 2
_ON_BAR = 0.01  # quarter notes; a loop that begins this close to a bar line begins on it


def unrolled(
    playhead: PlayheadModel, tempo_map: TempoMap, metre: tuple[int, int], now: float
) -> tuple[TempoMap, tuple[Signature, ...]]:
    """Tempo and bars along the clock of a moving playhead, from the distant past to HORIZON seconds after ``now``.

    Bars are counted from the DAW's beat 0, and anew where a loop comes round, which is a beat.
    """
    here = playhead.position_at(now)
    tempo = tempo_map.on_clock(here, now, playhead.rate)
    signatures = [Signature(0.0, *metre)]
    if playhead.loop is None:
        return tempo, tuple(signatures)
    first_bar = _to_bar(tempo_map.beat_at(playhead.loop.start), signatures[0].beats)
    for begin in _laps(playhead, playhead.loop, here, now):
        if len(tempo.changes) > MOST_CHANGES:
            break
        lap = tempo_map.on_clock(playhead.loop.start, begin, playhead.rate)
        before = tuple(change for change in tempo.changes if change.position < begin)
        inside = tuple(change for change in lap.changes if change.position > begin)
        start, beat = TempoChange(begin, lap.tempo_at(begin)), tempo.beat_at(begin)
        signatures += [Signature(at, *metre) for at in sorted({beat, beat + first_bar})]
        tempo = TempoMap((*before, start, *inside), _beat_of(tempo, before, begin))
    return tempo, tuple(signatures)


def _laps(playhead: PlayheadModel, loop: Loop, here: float, now: float) -> Iterator[float]:
    """When the loop comes round."""
    first, length = now + (loop.end - here) / playhead.rate, loop.seconds / playhead.rate
    for lap in range(min(MOST_LAPS, 1 + int(max(0.0, HORIZON - (first - now)) / length))):
        yield first + lap * length


def _to_bar(beat: float, beats: float) -> float:
    """Quarter notes from a beat to the first bar line, 0 on one."""
    left = -beat % beats
    return 0.0 if left > beats - _ON_BAR else left


def _beat_of(tempo: TempoMap, kept: tuple[TempoChange, ...], begin: float) -> float:
    """The beat at the first change of a map of which ``kept`` are left and another follows at ``begin``."""
    return tempo.beat if kept else tempo.beat_at(begin)
