"""A source's report of the DAW's state at one instant, in one form for OSC, MIDI, JACK and Link."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diffroll_live.errors import ProtocolError

MAX_TEMPO = 2000.0  # BPM
MAX_POSITION = 100 * 3600.0  # s; no DAW counts beyond hour 99


@dataclass(frozen=True, slots=True)
class Report:
    """The state at ``at`` seconds of the scheduler's clock; None for what the source does not report.

    ``resolution`` is the spacing of the positions that the source can report, in seconds.
    """

    at: float
    playing: bool | None = None
    position: float | None = None  # s; negative in a pre-roll
    tempo: float | None = None  # BPM
    beat: float | None = None  # quarter notes from the beginning to the position
    metre: tuple[int, int] | None = None
    loop_start: float | None = None  # s
    loop_end: float | None = None  # s
    looping: bool | None = None
    resolution: float = 0.0
    pulse: float | None = None  # quarter notes from a bar line, of a beat that goes on though nothing plays


def check_report(report: Report) -> Report:
    """Return a report if it is plausible. Raises errors.ProtocolError."""
    if report.tempo is not None and not 0.0 < report.tempo <= MAX_TEMPO:
        raise ProtocolError(f"A tempo of {report.tempo:g} BPM is outside 0 to {MAX_TEMPO:g}; send another.")
    for name in ("position", "loop_start", "loop_end", "beat", "pulse"):
        value = getattr(report, name)
        if value is not None and not (math.isfinite(value) and abs(value) <= MAX_POSITION):
            raise ProtocolError(f"A {name.replace('_', ' ')} of {value:g} is off the timeline; send seconds or beats.")
    return report
