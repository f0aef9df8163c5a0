"""Seconds of a recording to beats of its clip and back, as warp markers say. Pure arithmetic."""

from __future__ import annotations

from bisect import bisect_right
from typing import Iterable, List, Tuple

from .failures import Failure


class TimeMap:
    """A line through (second, beat) points, straight in between and beyond its ends.

    That is how Live plays a warped clip: its last, invisible marker gives the tempo after the last visible one.
    """

    def __init__(self, points: Iterable[Tuple[float, float]]) -> None:
        """Take at least two points that rise in both. Raises Failure otherwise."""
        ordered = sorted(points)
        self._seconds = [second for second, _ in ordered]
        self._beats = [beat for _, beat in ordered]
        if len(ordered) < 2 or not (_rises(self._seconds) and _rises(self._beats)):
            raise Failure("bad-audio", "The warp markers of this clip are not in order; warp it anew.")

    def __eq__(self, other: object) -> bool:
        """Compare the points."""
        return isinstance(other, TimeMap) and (self._seconds, self._beats) == (other._seconds, other._beats)

    __hash__ = None  # type: ignore[assignment]

    def beat(self, second: float) -> float:
        """Give the clip's beat at a second of the recording."""
        return _along(second, self._seconds, self._beats)

    def second(self, beat: float) -> float:
        """Give the second of the recording at a beat of the clip."""
        return _along(beat, self._beats, self._seconds)

    def tempi(self, begin: float, end: float) -> List[Tuple[float, float, float]]:
        """Give (second, beats a minute from there on, beat) at a second and at each change of tempo before another."""
        changes = [begin] + [second for second in self._seconds[1:-1] if begin < second < end]
        return [(at, 60.0 * (self.beat(at + 1.0e-3) - self.beat(at)) / 1.0e-3, self.beat(at)) for at in changes]


def constant(tempo: float, first: float = 0.0) -> TimeMap:
    """Make the map of a clip without warping: ``tempo`` beats a minute, and the beat ``first`` at second 0."""
    return TimeMap([(0.0, first), (60.0 / tempo, first + 1.0)])


def _rises(values: List[float]) -> bool:
    return all(a < b for a, b in zip(values, values[1:]))  # noqa: B905, RUF007 - Python 3.7


def _along(x: float, xs: List[float], ys: List[float]) -> float:
    i = min(max(bisect_right(xs, x), 1), len(xs) - 1)
    return ys[i - 1] + (x - xs[i - 1]) * (ys[i] - ys[i - 1]) / (xs[i] - xs[i - 1])
