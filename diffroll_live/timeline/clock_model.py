"""From jittery position reports to a playhead model: a Kalman filter of position and rate that recognizes jumps.

It reads no clock: every report carries its own time. Each report is compared with the prediction of the playhead model.
One that does not fit is held until the next one confirms it, since a message may be late or overtaken by another; only
a leap too large for any delay counts as a jump at once. The filter is the standard one for a position and a constant
rate (Bar-Shalom, Li and Kirubarajan: Estimation with Applications to Tracking and Navigation, 2001, section 6.3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from diffroll_live.midi.playhead import Loop, PlayheadModel, find_loop

AHEAD_SECONDS = 0.1  # no message arrives early: a position this far ahead is a jump
BEHIND_SECONDS = 0.25  # a late message looks like a position behind; beyond this it is a jump
LANDING_SECONDS = 0.05  # how far before the first position after a jump the playhead may have landed
LEAST_RATE, MOST_RATE = 0.05, 20.0  # seconds of the timeline per second
_GATE = 3.5  # standard deviations
_TREND_WEIGHT = 0.125  # weight of a report in the running mean of errors
_TREND_GATE = 1.2  # standard deviations of a report; about five of the running mean
_RATE_DEVIATION = 1e-3  # of a rate before anything contradicts it
_RATE_DRIFT = 1e-4  # deviation of the rate after a second
_TREND_SECONDS = 0.1  # over which jitter could hide a change of the rate
_VARISPEED = 0.02  # a rate closer to 1 is 1, apart from noise and clock drift
_LEAST_DT = 0.002  # s; reports closer together say nothing about the rate


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    position: float


@dataclass(frozen=True, slots=True)
class _Spread:
    """Covariance of the unwrapped position and the rate."""

    position: float
    both: float
    rate: float


class ClockModel:
    """Follows one playhead; ``jitter`` is the usual error of a report, in seconds.

    Without ``varispeed`` its rate is 1 apart from clock drift, so whatever does not fit is a shift.
    """

    def __init__(self, jitter: float, *, varispeed: bool = True) -> None:
        self.playhead = PlayheadModel()
        self._varispeed = varispeed
        self._jitter = jitter
        self._spread = _Spread(jitter**2, 0.0, _RATE_DEVIATION**2)
        self._last = self._second_last = _Sample(0.0, 0.0)
        self._trend = 0.0  # s; running mean of the errors
        self._suspect: _Sample | None = None
        self._left = self.playhead  # before the last jump; an overtaken report may still refer to it
        self._broken = 0.0  # the time of that jump
        self._loop_points: tuple[float, float] | None = None
        self._looping = False

    def loop(self, at: float, points: tuple[float, float] | None, looping: bool) -> None:
        """Set the loop points, in seconds, and whether the loop is on."""
        if (points, looping) == (self._loop_points, self._looping):
            return
        self._loop_points, self._looping = points, looping
        if self._find_loop(self.playhead.position_at(at)) != self.playhead.loop:
            position = self.playhead.position_at(at)
            self._break(at, position, self.playhead.playing, start=position)

    def play(self, at: float, position: float | None = None, resolution: float = 0.0) -> None:
        """Report that the playhead is moving, and its position if known.

        ``resolution`` is the spacing of the positions that the source can report, in seconds.
        """
        here = self.playhead.unwrapped if position is None else position
        if not self.playhead.playing:
            stopped_at = self.playhead.unwrapped
            came_from_there = 0.0 <= here - stopped_at <= min(at - self._last.at, LANDING_SECONDS)
            self._break(at, here, playing=True, start=stopped_at if came_from_there else here)
        elif position is not None:
            self._observe(_Sample(at, position), resolution)

    def stop(self, at: float, position: float | None = None) -> None:
        """Report that the playhead has stopped, and where."""
        here = self.playhead.position_at(at) if position is None else position
        if self.playhead.playing:
            self._break(at, here, playing=False, start=here)
        elif position is not None:
            self.playhead = replace(self.playhead, at=at, unwrapped=here, start=here)
            self._last = _Sample(at, here)

    def _observe(self, sample: _Sample, resolution: float) -> None:
        unwrapped = self._unwrap(sample)
        error = unwrapped - self.playhead.unwrapped_at(sample.at)
        if self._suspect is None and self._is_overtaken(sample):
            self._suspect = sample
        elif error > AHEAD_SECONDS or error < -BEHIND_SECONDS:
            if self._varispeed and self._is_steady(sample):
                self._confirm(self._last, sample, unwrapped)
            else:
                self._jump(sample, resolution)
        elif error**2 <= _GATE**2 * (self._predict(sample.at).position + self._jitter**2):
            self._correct(sample, error)
        elif self._suspect is None:
            self._suspect = sample
        elif sample.at - self._suspect.at >= _LEAST_DT:
            self._confirm(self._suspect, sample, unwrapped)
        if sample.at > self._last.at:
            self._second_last, self._last = self._last, sample

    def _is_overtaken(self, sample: _Sample) -> bool:
        """Whether a report may be a late one from before the last jump."""
        before = self._left.position_at(self._broken) - sample.position
        apart = abs(self.playhead.position_at(sample.at) - sample.position)
        soon = self._left.playing and sample.at - self._broken < BEHIND_SECONDS
        return soon and 0.0 <= before < BEHIND_SECONDS < apart

    def _is_steady(self, sample: _Sample) -> bool:
        """Whether the last three reports lie on a line: a fast playhead that reports rarely, not a jump."""
        dt, dt_before = sample.at - self._last.at, self._last.at - self._second_last.at
        if min(dt, dt_before) < _LEAST_DT:
            return False
        slope = (sample.position - self._last.position) / dt
        slope_before = (self._last.position - self._second_last.position) / dt_before
        noise = _GATE * self._jitter / min(dt, dt_before)
        return LEAST_RATE <= slope <= MOST_RATE and abs(slope - slope_before) <= noise

    def _unwrap(self, sample: _Sample) -> float:
        """Unwrap a position: choose the lap closest to the prediction."""
        loop = self.playhead.loop
        if loop is None:
            return sample.position
        predicted = self.playhead.unwrapped_at(sample.at)
        laps = max(0, round((predicted - sample.position) / loop.seconds))
        return sample.position + laps * loop.seconds

    def _predict(self, at: float) -> _Spread:
        dt = max(0.0, at - self.playhead.at)
        spread = self._spread
        return _Spread(
            spread.position + 2 * dt * spread.both + dt**2 * spread.rate,
            spread.both + dt * spread.rate,
            spread.rate + dt * _RATE_DRIFT**2,
        )

    def _correct(self, sample: _Sample, error: float) -> None:
        """Correct position and rate towards a report that fits."""
        spread = self._predict(sample.at)
        total = spread.position + self._jitter**2
        gain, rate_gain = spread.position / total, spread.both / total
        at = max(sample.at, self.playhead.at)
        self.playhead = replace(
            self.playhead,
            at=at,
            unwrapped=self.playhead.unwrapped_at(at) + gain * error,
            rate=_bounded(self.playhead.rate + rate_gain * error),
        )
        self._spread = _Spread(
            (1 - gain) * spread.position, (1 - gain) * spread.both, max(0.0, spread.rate - rate_gain * spread.both)
        )
        self._suspect = None
        self._trend += _TREND_WEIGHT * (error - self._trend)
        if self._varispeed and abs(self._trend) > _TREND_GATE * self._jitter:  # the rate has changed slightly
            self._spread = replace(self._spread, rate=self._spread.rate + (self._jitter / _TREND_SECONDS) ** 2)
            self._trend = 0.0

    def _confirm(self, first: _Sample, second: _Sample, unwrapped: float) -> None:
        """Follow two consecutive reports that contradict the prediction: a shift, or a new rate."""
        dt = second.at - first.at
        slope = (unwrapped - self._unwrap(first)) / dt
        noise = _GATE * self._jitter / dt
        fits = LEAST_RATE <= slope <= MOST_RATE
        changed = self._varispeed and fits and abs(slope - self.playhead.rate) > noise
        self.playhead = replace(
            self.playhead, at=second.at, unwrapped=unwrapped, rate=slope if changed else self.playhead.rate
        )
        self._spread = _Spread(
            self._jitter**2, 0.0, 2 * (self._jitter / dt) ** 2 if self._varispeed else _RATE_DEVIATION**2
        )
        self._suspect, self._trend = None, 0.0

    def _jump(self, sample: _Sample, resolution: float) -> None:
        """Start a new run after a jump; the playhead landed up to one report's spacing before this position."""
        unseen = max(0.0, sample.at - self._last.at - resolution)
        start = sample.position - min(LANDING_SECONDS, unseen) * self.playhead.rate
        if self._loop_points is not None and start - self._jitter <= self._loop_points[0] <= sample.position:
            start = self._loop_points[0]
        self._break(sample.at, sample.position, playing=True, start=start)

    def _break(self, at: float, position: float, playing: bool, start: float) -> None:
        rate = self.playhead.rate if abs(self.playhead.rate - 1.0) > _VARISPEED else 1.0
        self._left, self._broken = self.playhead, at
        loop = self._find_loop(position)
        self.playhead = PlayheadModel(self.playhead.run + 1, playing, at, position, rate, start, loop)
        self._spread = _Spread(self._jitter**2, 0.0, _RATE_DEVIATION**2)
        self._second_last, self._last = self._last, _Sample(at, position)
        self._suspect, self._trend = None, 0.0

    def _find_loop(self, position: float) -> Loop | None:
        if self._loop_points is None or not self._looping:
            return None
        return find_loop(*self._loop_points, position)


def _bounded(rate: float) -> float:
    return min(MOST_RATE, max(LEAST_RATE, rate))
