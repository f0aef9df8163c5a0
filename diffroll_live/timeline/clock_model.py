"""From jittery reports of a position to a course: a Kalman filter of way and rate that knows a jump when it sees one.

Pure and exact: the time of every report comes with it, so that any clock will do. Each report is weighed against what
the course predicts. One that does not fit is set aside until the next one confirms it, since a message may be late or
overtaken by another; only a leap that no delay explains is believed at once.
The filter is the usual one for a position and a constant rate (Bar-Shalom, Li and Kirubarajan: Estimation with
Applications to Tracking and Navigation, 2001, section 6.3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from diffroll_live.midi.playhead import Loop, PlayheadModel, find_loop

AHEAD_SECONDS = 0.1  # no message comes before its time: a position so far ahead is a jump
BEHIND_SECONDS = 0.25  # a late message looks like a position behind; beyond this it is a jump
LANDING_SECONDS = 0.05  # how far before the first position after a jump the playhead may have landed
LEAST_RATE, MOST_RATE = 0.05, 20.0  # s of the timeline a second
_GATE = 3.5  # standard deviations
_TREND_WEIGHT = 0.125  # of a report in the mean error of the last ones
_TREND_GATE = 1.2  # standard deviations of a report; about five of that mean
_RATE_DEVIATION = 1e-3  # of a rate that nothing speaks against
_RATE_DRIFT = 1e-4  # deviation of the rate after a second
_TREND_SECONDS = 0.1  # in which the jitter would have hidden such a change of the rate
_VARISPEED = 0.02  # a rate that differs by less is 1, but for noise and the drift of two clocks
_LEAST_DT = 0.002  # s; reports closer together say nothing about the rate


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    position: float


@dataclass(frozen=True, slots=True)
class _Spread:
    """Covariance of way and rate."""

    way: float
    both: float
    rate: float


class ClockModel:
    """Follows one playhead; ``jitter`` is the usual error of a report, in seconds.

    Without ``varispeed`` its rate is 1 but for the drift of two clocks: what does not fit is a shift, however it looks.
    """

    def __init__(self, jitter: float, *, varispeed: bool = True) -> None:
        self.course = PlayheadModel()
        self._varispeed = varispeed
        self._jitter = jitter
        self._spread = _Spread(jitter**2, 0.0, _RATE_DEVIATION**2)
        self._last = self._second_last = _Sample(0.0, 0.0)
        self._trend = 0.0  # s; the mean error of the last reports
        self._suspect: _Sample | None = None
        self._left = self.course  # before the last jump: a report that was overtaken may still speak of it
        self._broken = 0.0  # when
        self._loop_points: tuple[float, float] | None = None
        self._looping = False

    def loop(self, at: float, points: tuple[float, float] | None, looping: bool) -> None:
        """Take the loop points, in seconds, and whether the playhead repeats what lies between them."""
        if (points, looping) == (self._loop_points, self._looping):
            return
        self._loop_points, self._looping = points, looping
        if self._find_loop(self.course.position_at(at)) != self.course.loop:
            position = self.course.position_at(at)
            self._break(at, position, self.course.playing, start=position)

    def play(self, at: float, position: float | None = None, grain: float = 0.0) -> None:
        """Hear that the playhead moves, and where it is if that is known.

        ``grain`` is the spacing of the positions that the source can tell, in seconds.
        """
        here = self.course.travelled if position is None else position
        if not self.course.playing:
            stood = self.course.travelled
            came_from_there = 0.0 <= here - stood <= min(at - self._last.at, LANDING_SECONDS)
            self._break(at, here, playing=True, start=stood if came_from_there else here)
        elif position is not None:
            self._observe(_Sample(at, position), grain)

    def stop(self, at: float, position: float | None = None) -> None:
        """Hear that the playhead stands, and where."""
        here = self.course.position_at(at) if position is None else position
        if self.course.playing:
            self._break(at, here, playing=False, start=here)
        elif position is not None:
            self.course = replace(self.course, at=at, travelled=here, start=here)
            self._last = _Sample(at, here)

    def _observe(self, sample: _Sample, grain: float) -> None:
        way = self._unroll(sample)
        error = way - self.course.travelled_at(sample.at)
        if self._suspect is None and self._is_overtaken(sample):
            self._suspect = sample
        elif error > AHEAD_SECONDS or error < -BEHIND_SECONDS:
            if self._varispeed and self._goes_on(sample):
                self._confirm(self._last, sample, way)
            else:
                self._jump(sample, grain)
        elif error**2 <= _GATE**2 * (self._predict(sample.at).way + self._jitter**2):
            self._correct(sample, error)
        elif self._suspect is None:
            self._suspect = sample
        elif sample.at - self._suspect.at >= _LEAST_DT:
            self._confirm(self._suspect, sample, way)
        if sample.at > self._last.at:
            self._second_last, self._last = self._last, sample

    def _is_overtaken(self, sample: _Sample) -> bool:
        """Tell whether a report may be one from before the last jump that comes only now."""
        before = self._left.position_at(self._broken) - sample.position
        apart = abs(self.course.position_at(sample.at) - sample.position)
        soon = self._left.playing and sample.at - self._broken < BEHIND_SECONDS
        return soon and 0.0 <= before < BEHIND_SECONDS < apart

    def _goes_on(self, sample: _Sample) -> bool:
        """Tell whether the last three reports lie on a line: a fast playhead that is seldom heard, and no jump."""
        dt, dt_before = sample.at - self._last.at, self._last.at - self._second_last.at
        if min(dt, dt_before) < _LEAST_DT:
            return False
        slope = (sample.position - self._last.position) / dt
        slope_before = (self._last.position - self._second_last.position) / dt_before
        noise = _GATE * self._jitter / min(dt, dt_before)
        return LEAST_RATE <= slope <= MOST_RATE and abs(slope - slope_before) <= noise

    def _unroll(self, sample: _Sample) -> float:
        """Give the way of a position: in the lap that fits best what the course predicts."""
        loop = self.course.loop
        if loop is None:
            return sample.position
        predicted = self.course.travelled_at(sample.at)
        laps = max(0, round((predicted - sample.position) / loop.seconds))
        return sample.position + laps * loop.seconds

    def _predict(self, at: float) -> _Spread:
        dt = max(0.0, at - self.course.at)
        spread = self._spread
        return _Spread(
            spread.way + 2 * dt * spread.both + dt**2 * spread.rate,
            spread.both + dt * spread.rate,
            spread.rate + dt * _RATE_DRIFT**2,
        )

    def _correct(self, sample: _Sample, error: float) -> None:
        """Move way and rate towards a report that fits."""
        spread = self._predict(sample.at)
        total = spread.way + self._jitter**2
        gain, rate_gain = spread.way / total, spread.both / total
        at = max(sample.at, self.course.at)
        self.course = replace(
            self.course,
            at=at,
            travelled=self.course.travelled_at(at) + gain * error,
            rate=_bounded(self.course.rate + rate_gain * error),
        )
        self._spread = _Spread(
            (1 - gain) * spread.way, (1 - gain) * spread.both, max(0.0, spread.rate - rate_gain * spread.both)
        )
        self._suspect = None
        self._trend += _TREND_WEIGHT * (error - self._trend)
        if self._varispeed and abs(self._trend) > _TREND_GATE * self._jitter:  # the rate is another, if not by much
            self._spread = replace(self._spread, rate=self._spread.rate + (self._jitter / _TREND_SECONDS) ** 2)
            self._trend = 0.0

    def _confirm(self, first: _Sample, second: _Sample, way: float) -> None:
        """Believe two reports in a row that say otherwise: the clock was shifted, or its rate is another."""
        dt = second.at - first.at
        slope = (way - self._unroll(first)) / dt
        noise = _GATE * self._jitter / dt
        fits = LEAST_RATE <= slope <= MOST_RATE
        changed = self._varispeed and fits and abs(slope - self.course.rate) > noise
        self.course = replace(self.course, at=second.at, travelled=way, rate=slope if changed else self.course.rate)
        self._spread = _Spread(
            self._jitter**2, 0.0, 2 * (self._jitter / dt) ** 2 if self._varispeed else _RATE_DEVIATION**2
        )
        self._suspect, self._trend = None, 0.0

    def _jump(self, sample: _Sample, grain: float) -> None:
        """Begin anew after a leap: where the playhead landed lies up to a report's spacing before this position."""
        unseen = max(0.0, sample.at - self._last.at - grain)
        start = sample.position - min(LANDING_SECONDS, unseen) * self.course.rate
        if self._loop_points is not None and start - self._jitter <= self._loop_points[0] <= sample.position:
            start = self._loop_points[0]
        self._break(sample.at, sample.position, playing=True, start=start)

    def _break(self, at: float, position: float, playing: bool, start: float) -> None:
        rate = self.course.rate if abs(self.course.rate - 1.0) > _VARISPEED else 1.0
        self._left, self._broken = self.course, at
        loop = self._find_loop(position)
        self.course = PlayheadModel(self.course.run + 1, playing, at, position, rate, start, loop)
        self._spread = _Spread(self._jitter**2, 0.0, _RATE_DEVIATION**2)
        self._second_last, self._last = self._last, _Sample(at, position)
        self._suspect, self._trend = None, 0.0

    def _find_loop(self, position: float) -> Loop | None:
        if self._loop_points is None or not self._looping:
            return None
        return find_loop(*self._loop_points, position)


def _bounded(rate: float) -> float:
    return min(MOST_RATE, max(LEAST_RATE, rate))
