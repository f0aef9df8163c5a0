"""How a clip plays its content: once, or in a loop that comes round in the Arrangement. Pure arithmetic."""

from __future__ import annotations

from typing import List, NamedTuple, Sequence, Tuple

from .clips import Layout
from .failures import Failure

ALWAYS = float("inf")
MOST = 256  # passes of one clip
SLACK = 1e-3  # beats by which a note may come before the pass that it belongs to, since times are rounded


class Pass(NamedTuple):
    """One time that content beats [begin, end) are played; beat b of them is heard at b + shift."""

    shift: float
    begin: float
    end: float


def session_pass(layout: Layout) -> Pass:
    """All that a Session clip can play, moved so that it begins at beat 0."""
    begin = min(layout.start, layout.loop_start)
    return Pass(-begin, begin, layout.loop_end)


def arrangement_passes(layout: Layout, visible: float) -> List[Pass]:
    """What an Arrangement clip of ``visible`` beats plays, the first at beat 0. Raises Failure beyond MOST passes."""
    if not layout.looping:
        return [Pass(-layout.start, layout.start, layout.start + visible)]
    passes: List[Pass] = []
    at, begin = 0.0, layout.start
    while at < visible - SLACK:
        shortest = SLACK if passes else 0.0  # a clip may start just before its loop comes round
        if len(passes) >= MOST or layout.loop_end - begin <= shortest:
            raise Failure("too-large", "This clip's loop comes round too often; consolidate the clip first.")
        end = min(layout.loop_end, begin + visible - at)
        passes.append(Pass(at - begin, begin, end))
        at, begin = at + end - begin, layout.loop_start
    return passes


def played(begin: float, end: float, passes: Sequence[Pass]) -> List[Tuple[float, float]]:
    """Give (begin, length) of a note of content beats each time that it is heard, cut where its pass ends."""
    return [
        (max(begin, one.begin) + one.shift, min(end, one.end) - max(begin, one.begin))
        for one in passes
        if one.begin - SLACK <= begin < one.end
    ]
