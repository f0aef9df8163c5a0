"""What any source says of the DAW at one instant, checked. One form for OSC, MIDI, JACK and Link."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diffroll_live.errors import ProtocolError

MAX_TEMPO = 2000.0  # beats a minute
MAX_POSITION = 100 * 3600.0  # s; no DAW counts beyond hour 99


@dataclass(frozen=True, slots=True)
class Report:
    """What was true at ``at`` seconds of the scheduler's clock; None for what the source does not say.

    ``grain`` is the spacing of the positions that the source can tell, in seconds.
    """

    at: float
    playing: bool | None = None
    position: float | None = None  # s; negative in a pre-roll
    tempo: float | None = None  # beats a minute
    beat: float | None = None  # quarter notes from the beginning to the position
    metre: tuple[int, int] | None = None
    loop_start: float | None = None  # s
    loop_end: float | None = None  # s
    looping: bool | None = None
    grain: float = 0.0


def check_report(report: Report) -> Report:
    """Give a report back if a DAW can be so. Raises errors.ProtocolError."""
    if report.tempo is not None and not 0.0 < report.tempo <= MAX_TEMPO:
        raise ProtocolError(f"A tempo of {report.tempo:g} is outside 0 to {MAX_TEMPO:g} beats a minute.")
    for name in ("position", "loop_start", "loop_end", "beat"):
        value = getattr(report, name)
        if value is not None and not (math.isfinite(value) and abs(value) <= MAX_POSITION):
            raise ProtocolError(f"A {name.replace('_', ' ')} of {value:g} is off the timeline; send seconds or beats.")
    return report
